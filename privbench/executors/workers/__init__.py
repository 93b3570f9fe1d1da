"""Worker processes, which compute tasks for the main process and can die without harm to it."""
