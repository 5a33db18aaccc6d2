"""Every type that docs/design.md names, each with values that are easily bent on the way.

Values are literals as a person types them; what PostgreSQL makes of them is the test's business.
"""

import re

ENUM = "CREATE TYPE \"Zoo \"\"Mood\"\"\" AS ENUM ('calm', 'very \"wild\"', 'a,b', 'été', 'NULL')"
TYPE_DEFINITIONS = (
    ENUM,
    "CREATE TYPE zoo_pair AS (label text, amount numeric, at timestamptz)",
    "CREATE TYPE zoo_nest AS (pair zoo_pair, many int[], doc json)",
    "CREATE DOMAIN zoo_label AS text CHECK (VALUE <> 'forbidden')",
    "CREATE DOMAIN zoo_count AS integer CHECK (VALUE > -10)",
    "CREATE DOMAIN zoo_counts AS integer[] CHECK (cardinality(VALUE) < 9)",
    "CREATE TYPE zoo_span AS RANGE (subtype = double precision, subtype_diff = float8mi)",
)
# Without the extension the name stands for text, so that the tables can still be made.
OPTIONAL_TYPES = ("hstore", "citext")
# Values that only newer servers know, and from which version on.
NEWER_VALUES = {("interval", "infinity"): 170000, ("interval", "-infinity"): 170000}
# A server may be built without: then the type is there and takes no value.
OPTIONAL_FEATURE = "xml"

_TEXTS = ["", " ", "plain", "it's", 'a"b', "a\\b", "a\nb", "a\tb", "a\rb", "\x7f\x01\x02", "\\N"]
_TEXTS += [
    "\\.",
    "NULL",
    "null",
    "{}",
    "{a,b}",
    "(a,b)",
    "\u2028\u00a0\ufeff",
    "🦒é",
    "\u05e9\u05dc\u05d5\u05dd",
    "a,b",
]
_ARRAY_TEXTS = [
    "{}", '{""}', '{"NULL"}', "{NULL}", '{a,NULL,"c d"}', '{"a\\"b","c\\\\d"}', '{"{}","a,b"," "}',
    '{{a,b},{c,NULL}}', "[2:3]={x,y}", "[-1:0][5:5]={{a},{b}}", '{"\n","\t","é🦒"}', '{"\\\\N","\\\\."}',
]  # fmt: skip
_INT_ARRAYS = ["{}", "{1,2,3}", "{0}", "{NULL}", "{1,NULL}", "{{1,2},{3,4}}", "[0:1]={7,8}"]
_FLOATS = ["0", "-0", "1", "0.1", "NaN", "Infinity", "-Infinity"]
_MOMENTS = ["infinity", "-infinity", "2000-02-29 12:34:56.789012", "0044-03-15 08:00:00 BC"]
_DOCUMENTS = [
    "null", "true", '""', "[]", "{}", "0", "-0", "1e2", "1.10", '"\\u00e9 \\ud83e\\udd92"',
    '{"a\\"b":1,"a\\\\b":2,"":3}', "18446744073709551616", "9007199254740993", "[[[[[[[[1]]]]]]]]",
    '"\\u2028\\n\\t\\b"', '"\\\\u0000"', '[1,null,{"k":[true,"x"]}]',
]  # fmt: skip

TYPES: dict[str, list[str]] = {
    "boolean": ["true", "false"],
    "smallint": ["0", "-32768", "32767"],
    "integer": ["0", "-2147483648", "2147483647"],
    "bigint": ["0", "-9223372036854775808", "9223372036854775807"],
    "real": [*_FLOATS, "3.4028235e38", "1e-45", "0.3", "16777217"],
    "double precision": [*_FLOATS, "1.7976931348623157e308", "5e-324", "0.30000000000000004", "1e22"],
    "text": [*_TEXTS, "x" * 100_000],
    "varchar(30)": _TEXTS,
    "char(9)": ["", "a", " b ", "exactly 9", "it's", "é🦒", "a\tb\n"],
    '"char"': ["", "x", '"', "\\", "\\377", "\n"],
    "name": ["", "a name", "x" * 63, 'q"u\'o', "🦒"],
    "numeric": ["0", "0.00", "-0.10", "1e400", "1e-400", "NaN", "Infinity", "-Infinity", "9" * 200],
    "numeric(65,30)": ["9" * 35 + "." + "9" * 30, "-0." + "0" * 29 + "1", "0", "1.5"],
    "numeric(4,-2)": ["123456", "-100", "0"],
    "json": [*_DOCUMENTS, '{ "a" : 1,\n\t"a" : 2 }', "1e1000000", ' [1 , 2]', '"\\u0000"'],
    "jsonb": [*_DOCUMENTS, "1e400", "-1e-400", "0.10"],
    "date": ["infinity", "-infinity", "2000-02-29", "0001-01-01 BC", "5874897-12-31", "4713-01-01 BC"],
    "timestamp": [*_MOMENTS, "294276-12-31 23:59:59.999999"],
    "timestamp(0)": _MOMENTS,
    "timestamptz": [*_MOMENTS, "2000-02-29 12:34:56.789012+05:30", "1900-01-01 00:00:00+00:00:17"],
    "time": ["00:00", "24:00:00", "23:59:59.999999"],
    "timetz": ["00:00+15:59:59", "24:00:00-15:59", "12:34:56.789+05:45"],
    "interval": ["0", "1 year -2 days 3.000001 seconds", "-178000000 years", "infinity", "-infinity"],
    "interval day to second(2)": ["3 days 04:05:06.78", "-1 day"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
    "bytea": ["", "\\x00", "\\x0001fffe5c6e0a", "\\xdeadbeef" + "00" * 2000],
    "inet": ["10.1.2.3", "10.1.2.3/8", "::1", "::ffff:1.2.3.4/128", "2001:db8::/33", "0.0.0.0/0"],
    "cidr": ["10.0.0.0/8", "::/0", "2001:db8::/32", "1.2.3.4"],
    "macaddr": ["08:00:2b:01:02:03", "ffffffffffff"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "bit(5)": ["00000", "10101"],
    "bit varying(12)": ["", "0", "111000111000"],
    "int4range": ["empty", "(,)", "[1,5)", "[,3]", "(5,)"],
    "int8range": ["[-9223372036854775808,9223372036854775807)", "empty"],
    "numrange": ["[1.10,2.200)", "(,0]", "empty"],
    "tsrange": ["[-infinity,infinity]", '["0044-03-15 08:00:00 BC",)'],
    "tstzrange": ["[2000-01-01 00:00+00,2000-01-02 00:00+00)", "(,)"],
    "daterange": ["[2000-01-01,2000-02-01]", "empty"],
    "int4multirange": ["{}", "{[1,3),[5,7)}", "{(,)}"],
    "nummultirange": ["{[1.0,2.00),[3,)}"],
    "tstzmultirange": ["{[2000-01-01 00:00+00,2000-01-02 00:00+00)}"],
    "zoo_span": ["[0.1,0.30000000000000004)", "empty", "[-Infinity,NaN]"],
    "tsvector": ["", "'a b':1A 'it''s':2 'x\\\\y'", "fat:2,4 cat:3B"],
    "tsquery": ["'fat' & !'rat' | 'a b':*A", ""],
    "xml": ["<a b=\"1\">é &amp; <![CDATA[x<y]]></a>", "two<x/>roots"],
    "money": ["0", "-92233720368547758.08", "92233720368547758.07", "1234.5"],
    "point": ["(0.1,-0)", "(NaN,Infinity)"],
    "line": ["{1,-1,0.1}"],
    "lseg": ["[(0.1,0.2),(0.30000000000000004,5e-324)]"],
    "box": ["(1,2),(0.1,0.2)"],
    "path": ["[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"],
    "polygon": ["((0,0),(1,1),(2,0))"],
    "circle": ["<(0.1,0.2),3>"],
    "hstore": ["", 'a=>1, b=>NULL, "c \\"d\\\\"=>"", "é"=>"NULL"'],
    "citext": _TEXTS,
    "pg_lsn": ["16/B374D848"],
    "oid": ["0", "4294967295"],
    "refcursor": ["", "it's", "<unnamed portal 1>"],
    "jsonpath": ["$.\"a b\"[*] ? (@.x > 1.50)"],
    '"Zoo ""Mood"""': ["calm", 'very "wild"', "a,b", "été", "NULL"],
    "zoo_pair": ["(,,)", '("it""s, \\\\ ok",1.50,"0044-03-15 08:00:00+00 BC")', '("",NaN,infinity)'],
    "zoo_nest": ['("(a,1.0,)","{1,NULL}","{""k"": 1.0}")', "(,,)"],
    "zoo_label": [*_TEXTS],
    "zoo_count": ["-9", "0", "2147483647"],
    "zoo_counts": _INT_ARRAYS,
    "text[]": _ARRAY_TEXTS,
    "varchar(9)[]": _ARRAY_TEXTS,
    "char(3)[]": ["{a,' b',abc}", "{NULL}", "{}"],
    '"char"[]': ['{a,"\\"","\\\\"}', "{}"],
    "name[]": ['{a,"b c"}'],
    "smallint[]": _INT_ARRAYS,
    "integer[]": [*_INT_ARRAYS, "{-2147483648,2147483647}"],
    "bigint[]": [*_INT_ARRAYS, "{-9223372036854775808,9223372036854775807}"],
    "real[]": ["{0.1,-0,NaN,Infinity,-Infinity,1e-45}", "{NULL,1}", "{}"],
    "double precision[]": ["{0.1,-0,NaN,Infinity,1e308,5e-324}", "{{1,2},{3,NaN}}", "[5:6]={1,2}", "{}"],
    "boolean[]": ["{t,f}", "{t,NULL}", "{}", "{{t},{f}}", "[0:0]={t}"],
    "numeric[]": ["{1.10,NaN,1e50}", "{NULL}"],
    "date[]": ["{infinity,2000-01-01}", "{}"],
    "timestamptz[]": ['{infinity,"2000-01-01 00:00:00+00",NULL}', "{{infinity},{-infinity}}"],
    "interval[]": ['{"1 day",NULL}'],
    "uuid[]": ["{00000000-0000-0000-0000-000000000000,NULL}"],
    "bytea[]": ['{"\\\\x00ff",NULL}'],
    "inet[]": ["{10.0.0.1/8,::1}"],
    "json[]": ['{"{\\"b\\": 1.0, \\"b\\": 2}",null}', '{"null",NULL}', "{}"],
    "jsonb[]": ['{"{\\"b\\": 1.0}","1e400",NULL}', "[3:3]={1}"],
    "bit(3)[]": ["{101,NULL}"],
    "money[]": ["{1.5,-2}"],
    "point[]": ['{"(1,2)","(0.1,-0)"}'],
    "box[]": ["{(1,2),(0,0);(3,4),(1,1)}"],
    "int4range[]": ['{"[1,3)",empty}'],
    "hstore[]": ['{"a=>1, b=>NULL"}', "{}"],
    "citext[]": _ARRAY_TEXTS,
    '"Zoo ""Mood"""[]': ['{calm,"very \\"wild\\"","a,b",NULL,"NULL"}'],
    "zoo_pair[]": ['{"(a,1.50,)","(\\"it\\"\\"s, ok\\",,infinity)",NULL}', "{}"],
    "zoo_label[]": _ARRAY_TEXTS,
    "zoo_counts[]": ['{"{1,2}",NULL}'],
    "zoo_span[]": ['{"[0.1,2)",empty}'],
}  # fmt: skip


def column_name(sql_type: str) -> str:
    """The column that holds a type: ``numeric(65,30)[]`` is kept in ``a_numeric_65_30_array``."""
    spelled = sql_type.replace("-", "minus").replace("[]", " array")
    return "a_" + re.sub(r"\W+", "_", spelled).strip("_").lower()
