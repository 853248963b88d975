"""Evaluation of CEL (Common Expression Language) over plain values, with bounded work.

Google's library parses and checks; what it accepts is evaluated here, because its evaluation can neither be bounded nor
stopped, and copies all properties of an item first.
"""
