"""Widgets of the Class page: the door, a student's page, the teacher's desk, and the wall."""
