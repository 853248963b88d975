"""Serendip: recommendations as a serverless API."""
