-- Where COPY puts the rows of an upsert first; emptied by every commit.
CREATE TEMPORARY TABLE staged (LIKE orders) ON COMMIT DELETE ROWS;
