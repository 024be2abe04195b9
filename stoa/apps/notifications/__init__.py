"""Notifications: what happened that a person should know, told in the app.

Owns one row a fact and person. The same fact is told once, however often its event is delivered. A person sees and marks
only their own. Refuses to hold what the fact is about: a row has ids and words of the moment, and erasing a person
deletes their rows.
"""
