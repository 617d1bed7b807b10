"""Reports: observers of each refresh. They tell people (log, metrics) and Argo CD (the nudge) what it did."""
