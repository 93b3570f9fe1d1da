"""The leaderboard: a static site made from files of runs, and submissions to it."""
