-- +goose Up
-- An order keeps its total: lists of orders need no join. Orders that exist get theirs from their items.
ALTER TABLE orders ADD COLUMN total_cents integer;
UPDATE orders SET total_cents = (
    SELECT coalesce(sum(quantity * unit_price_cents), 0) FROM order_items WHERE order_id = orders.id
);
ALTER TABLE orders ALTER COLUMN total_cents SET NOT NULL, ADD CHECK (total_cents >= 0);

-- What the service reports reads.
CREATE VIEW daily_revenue AS
SELECT (p.created_at AT TIME ZONE 'UTC')::date AS day,
       count(*) AS payments,
       sum(p.amount_cents) AS paid_cents,
       coalesce(sum(r.refunded_cents), 0) AS refunded_cents
FROM payments p
LEFT JOIN (SELECT payment_id, sum(amount_cents) AS refunded_cents FROM refunds GROUP BY payment_id) r
    ON r.payment_id = p.id
WHERE p.status = 'succeeded'
GROUP BY day;
