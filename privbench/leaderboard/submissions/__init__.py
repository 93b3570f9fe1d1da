"""Submissions to the leaderboard: one file for a defense, which others check and compute again."""
