-- Rows, and orders among them: what is between the two numbers was written more than once.
SELECT count(*), count(DISTINCT order_id) FROM orders;
