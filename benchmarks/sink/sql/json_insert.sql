-- A batch as one JSON array, every element a row.
INSERT INTO orders ({columns})
SELECT {columns}
FROM json_populate_recordset(NULL::orders, $1::json);
