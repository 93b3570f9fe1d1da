// Excerpts of found pages are fetched, which browsers refuse to pages that are opened from a folder.
DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== "file:";
