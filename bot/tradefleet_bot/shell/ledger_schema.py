"""The ledger's tables: what was ordered, executed, paid and decided, and why. Money is exact decimal text."""

from typing import Final

VERSION: Final = 1
TABLES: Final = """
CREATE TABLE IF NOT EXISTS orders (
    client_id TEXT PRIMARY KEY, at INTEGER NOT NULL, route TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL,
    leg TEXT NOT NULL, kind TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT, trigger_price TEXT,
    reduce_only INTEGER NOT NULL, status TEXT NOT NULL DEFAULT 'SENT', filled TEXT NOT NULL DEFAULT '0',
    average_price TEXT, venue_id TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS fills (
    symbol TEXT NOT NULL, trade_id TEXT NOT NULL, at INTEGER NOT NULL, ts INTEGER NOT NULL, client_id TEXT NOT NULL,
    side TEXT NOT NULL, price TEXT NOT NULL, quantity TEXT NOT NULL, fee_quote TEXT NOT NULL, maker INTEGER NOT NULL,
    realized_quote TEXT, PRIMARY KEY (symbol, trade_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fills_by_time ON fills (ts);
CREATE TABLE IF NOT EXISTS flows (
    flow_id TEXT PRIMARY KEY, at INTEGER NOT NULL, ts INTEGER NOT NULL, kind TEXT NOT NULL, symbol TEXT NOT NULL,
    amount_quote TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS equity (
    at INTEGER PRIMARY KEY, equity_quote TEXT, realized_quote TEXT NOT NULL, drawdown_ratio REAL
) STRICT;
CREATE TABLE IF NOT EXISTS decisions (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, symbol TEXT NOT NULL, topic TEXT NOT NULL, outcome TEXT NOT NULL,
    action TEXT, score REAL, reason TEXT NOT NULL, check_name TEXT, measured REAL, limit_value REAL, client_id TEXT,
    quantity TEXT, price TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS decisions_by_time ON decisions (at);
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, at INTEGER NOT NULL, state BLOB NOT NULL) STRICT;
"""
