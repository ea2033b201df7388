"""Lessons: the courses, their experiments and demonstrations, the fault lab, and the articles' figures."""
