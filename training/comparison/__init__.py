"""Two models side by side on the same appeals: what is better, what is worse, and how sure."""
