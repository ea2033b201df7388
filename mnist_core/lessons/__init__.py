"""Lessons: the courses, misconceptions, the check, demonstrations, the fault lab, and the articles' figures."""
