#include "tests/expr/support.hpp"

#include <gtest/gtest.h>

namespace troupe::expr {
namespace {

struct row {
  const char* text;
  const char* expected; ///< JSON, or "!" and a code
};

/// What all rows can read.
const json::object& roots() {
  static const json::object all = json::parse(R"({
    "input": {"n": 5, "f": 2.5, "s": "Hello World", "e": "", "z": 0, "nil": null, "yes": true,
              "list": [3, 1, 2], "names": ["Bob", "alice", "Carol"], "items": {"items": [7, 8]},
              "people": [{"name": "Ann", "age": 30, "tags": ["a"]}, {"name": "Bo", "age": 25},
                         {"name": "Cy", "age": 35, "tags": []}],
              "nested": [1, [2, [3, [4]]]], "big": 18446744073709551615, "u": "h\u00e9llo \u4e2d\u6587",
              "d": {"a": 1, "b": {"c": [10, 20, {"x": "deep"}]}, "keys": "member", "0": "zero"},
              "user__id": 4, "json": "{\"k\": [1, 2.5]}"},
    "steps": {"a": {"status": "success", "output": {"items": [{"x": 1}, {"x": 2}], "0": "z"}},
              "b": {"status": "failed", "output": null}},
    "vars": {"limit": 10}, "$json": {"id": 9}, "$node": {"fetch data": {"json": {"v": 1}}},
    "$input": {"all": [1]}, "$trigger": {"at": "x"}, "$vars": {"k": "v"}
  })")
                                      ->get_object();
  return all;
}

void run(std::span<const row> rows) {
  for (const row& r : rows)
    EXPECT_EQ(evaluated(r.text, roots()), r.expected) << r.text;
}

TEST(Expression, Literals) {
  run(std::to_array<row>({
      {"1", "1"},
      {"-1", "-1"},
      {"1.5", "1.5"},
      {"1e3", "1000.0"},
      {"2E-2", "0.02"},
      {"9223372036854775807", "9223372036854775807"},
      {"9223372036854775808", "9.223372036854776e+18"},
      {"true", "true"},
      {"True", "true"},
      {"false", "false"},
      {"False", "false"},
      {"none", "null"},
      {"None", "null"},
      {"null", "null"},
      {"'a'", R"("a")"},
      {R"("a")", R"("a")"},
      {R"('it\'s')", R"("it's")"},
      {R"("\n\t\\\"\u00e9\ud83d\ude00\x41")", "\"\\n\\t\\\\\\\"\u00e9\U0001F600A\""},
      {R"('\d')", R"("\\d")"},
      {"[1, 'a', [2]]", R"([1,"a",[2]])"},
      {"[]", "[]"},
      {"[1,]", "[1]"},
      {"()", "[]"},
      {"(1,)", "[1]"},
      {"(1, 2)", "[1,2]"},
      {"(1)", "1"},
      {"{'a': 1, \"b\": [2]}", R"({"a":1,"b":[2]})"},
      {"{}", "{}"},
      {"{'a': 1, 'a': 2}", R"({"a":2})"},
      {"{1: 2}", R"({"1":2})"},
      {"{[]: 2}", "!expression_type"},
      {" 1 ", "1"},
      {"{{ 1 }}", "1"},
      {"{{ {'a': {'b': 1}} }}", R"({"a":{"b":1}})"},
      {"{{ '}}' }}", R"("}}")"},
  }));
}

TEST(Expression, Paths) {
  run(std::to_array<row>({
      {"input.n", "5"},
      {"input['n']", "5"},
      {"input[\"n\"]", "5"},
      {"input.d.b.c[1]", "20"},
      {"input.d.b.c[2].x", R"("deep")"},
      {"input.d.b.c.2.x", R"("deep")"},
      {"input.d.b.c[-1].x", R"("deep")"},
      {"input.d['b']['c'][0]", "10"},
      {"input.list[5]", "null"},
      {"input.list[-3]", "3"},
      {"input.list[-4]", "null"},
      {"input.none.at.all", "null"},
      {"nothing", "null"},
      {"nothing.x[0]", "null"},
      {"input.nil.x", "null"},
      {"input.n.x", "null"},
      {"input.s.x", "null"},
      {"input.d.keys", R"("member")"},
      {"input.items.items[0]", "7"},
      {"input.d[0]", R"("zero")"},
      {"input.list['x']", "null"},
      {"input[input.e ~ 'n']", "5"},
      {"input.list[input.list[1]]", "1"},
      {"input.list[vars.none]", "null"},
      {"input.list[[1]]", "!expression_type"},
      {"input.list[1.0]", "1"},
      {"input.s[0]", R"("H")"},
      {"input.u[-1]", "\"\u6587\""},
      {"input.s[99]", "null"},
      {"steps.a.output.items[0].x", "1"},
      {"steps['a']['output']['items'][1]['x']", "2"},
      {"steps.a.output.0", R"("z")"},
      {"$json.id", "9"},
      {"$node[\"fetch data\"].json.v", "1"},
      {"$input.all[0]", "1"},
      {"$trigger.at", R"("x")"},
      {"$vars.k", R"("v")"},
      {"vars.limit", "10"},
      {"[1, 2, 3][1]", "2"},
      {"{'a': 5}.a", "5"},
      {"{'a': 5}['a']", "5"},
      {"(input.d).a", "1"},
      {"input['user__id']", "4"},
      {"input.list.length", "null"},
  }));
}

TEST(Expression, Slices) {
  run(std::to_array<row>({
      {"input.list[1:]", "[1,2]"},
      {"input.list[:2]", "[3,1]"},
      {"input.list[::-1]", "[2,1,3]"},
      {"input.list[-2:]", "[1,2]"},
      {"input.list[5:]", "[]"},
      {"input.list[:]", "[3,1,2]"},
      {"input.list[::2]", "[3,2]"},
      {"input.s[:5]", R"("Hello")"},
      {"input.s[6:]", R"("World")"},
      {"input.u[1:3]", "\"\u00e9l\""},
      {"input.s[::-1]", R"("dlroW olleH")"},
      {"input.s[3:1]", R"("")"},
      {"input.list[::0]", "!expression_value"},
      {"input.list['a':]", "!expression_type"},
      {"input.n[1:]", "!expression_type"},
      {"input.nil[1:]", "null"},
      {"input.list[-9223372036854775807:9223372036854775807]", "[3,1,2]"},
      {"input.list[::9223372036854775807]", "[3]"},
      {"input.list[::-9223372036854775807]", "[2]"},
  }));
}

TEST(Expression, Arithmetic) {
  run(std::to_array<row>({
      {"1 + 2 * 3", "7"},
      {"(1 + 2) * 3", "9"},
      {"7 / 2", "3.5"},
      {"6 / 2", "3.0"},
      {"7 // 2", "3"},
      {"-7 // 2", "-4"},
      {"7 // -2", "-4"},
      {"-7 % 3", "2"},
      {"7 % -3", "-2"},
      {"7.5 // 2", "3.0"},
      {"-7.5 % 2", "0.5"},
      {"2 ** 10", "1024"},
      {"2 ** -1", "0.5"},
      {"2 ** 3 ** 2", "512"},
      {"-2 ** 2", "-4"},
      {"2 ** 64", "1.8446744073709552e+19"},
      {"10 - 2 - 3", "5"},
      {"2 * 3 % 4", "2"},
      {"1 / 0", "!expression_value"},
      {"1 // 0", "!expression_value"},
      {"1 % 0", "!expression_value"},
      {"1.0 / 0", "!expression_value"},
      {"0 ** -1", "!expression_value"},
      {"(-8) ** 0.5", "!expression_value"},
      {"1e308 * 10", "!expression_value"},
      {"10 ** 400", "!expression_value"},
      {"9223372036854775807 + 1", "9.223372036854776e+18"},
      {"-9223372036854775807 - 2", "-9.223372036854776e+18"},
      {"(-9223372036854775807 - 1) // -1", "9.223372036854776e+18"},
      {"(-9223372036854775807 - 1) % -1", "0"},
      {"-(-9223372036854775807 - 1)", "9.223372036854776e+18"},
      {"True + 1", "2"},
      {"0.1 + 0.2", "0.30000000000000004"},
      {"1 + 1.0", "2.0"},
      {"'a' + 'b'", R"("ab")"},
      {"[1] + [2]", "[1,2]"},
      {"input.list + [4]", "[3,1,2,4]"},
      {"'ab' * 3", R"("ababab")"},
      {"2 * [1, 2]", "[1,2,1,2]"},
      {"'a' * -1", R"("")"},
      {"'a' * 0", R"("")"},
      {"'a' + 1", "!expression_type"},
      {"1 + none", "!expression_type"},
      {"nothing + 1", "!expression_type"},
      {"{} + {}", "!expression_type"},
      {"'a' - 'b'", "!expression_type"},
      {"- 'a'", "!expression_type"},
      {"+5", "5"},
      {"--5", "5"},
      {"'a' ~ 1 ~ none ~ true ~ 2.0 ~ [1]", R"("a1true2.0[1]")"},
      {"1 ~ 2 + 3", "!expression_type"},
      {"input.n * 2 - 1", "9"},
      {"input.big + 0", "1.8446744073709552e+19"},
      {"2 * 'a'.upper()", R"("AA")"},
  }));
}

TEST(Expression, Comparison) {
  run(std::to_array<row>({
      {"1 == 1.0", "true"},
      {"True == 1", "true"},
      {"1 == '1'", "false"},
      {"none == none", "true"},
      {"nothing == none", "true"},
      {"[1, 2] == [1.0, 2]", "true"},
      {"{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"},
      {"{'a': 1} == {'a': 2}", "false"},
      {"1 != 2", "true"},
      {"1 < 2 < 3", "true"},
      {"1 < 3 < 2", "false"},
      {"3 > 2 >= 2", "true"},
      {"'a' < 'b'", "true"},
      {"'Z' < 'a'", "true"},
      {"[1, 2] < [1, 3]", "true"},
      {"[1] < [1, 0]", "true"},
      {"1 < 'a'", "!expression_type"},
      {"none < 1", "!expression_type"},
      {"nothing > 0", "!expression_type"},
      {"true < 2", "true"},
      {"{} < {}", "!expression_type"},
      {"2 in input.list", "true"},
      {"2.0 in input.list", "true"},
      {"9 in input.list", "false"},
      {"9 not in input.list", "true"},
      {"'World' in input.s", "true"},
      {"'' in input.s", "true"},
      {"'a' in input.d", "true"},
      {"'zz' not in input.d", "true"},
      {"1 in input.s", "!expression_type"},
      {"1 in nothing", "!expression_type"},
      {"'a' in ['a'] == true", "false"},
      {"not 1 in [1]", "false"},
      {"9007199254740993 == 9007199254740992.0", "false"},
      {"input.big > 9223372036854775807", "true"},
      {"steps.a.status == 'success'", "true"},
      {"len(steps['a']['output']['items']) > 0", "true"},
  }));
}

TEST(Expression, LogicAndChoice) {
  run(std::to_array<row>({
      {"true and false", "false"},
      {"1 and 2", "2"},
      {"0 or 'x'", R"("x")"},
      {"'' or 0", "0"},
      {"not true", "false"},
      {"not not 5", "true"},
      {"not nothing", "true"},
      {"true or 1 / 0", "true"},
      {"false and 1 / 0", "false"},
      {"1 if true else 2", "1"},
      {"1 if false else 2", "2"},
      {"1 if false", "null"},
      {"1 if 0 else 2 if 0 else 3", "3"},
      {"1 if 0 else 2 if 1 else 3", "2"},
      {"1 / 0 if false else 7", "7"},
      {"'big' if input.n > 3 else 'small'", R"("big")"},
      {"1 or 2 and 0", "1"},
      {"[] or {} or none", "null"},
      {"(1 if true else 2) + 1", "2"},
      {"true and nothing", "null"},
  }));
}

TEST(Expression, Tests) {
  run(std::to_array<row>({
      {"input.n is defined", "true"},
      {"nothing is defined", "false"},
      {"input.nil is defined", "true"},
      {"nothing is undefined", "true"},
      {"input.nil is none", "true"},
      {"nothing is none", "true"},
      {"input.n is not none", "true"},
      {"not input.n is none", "true"},
      {"input.n is number", "true"},
      {"true is number", "false"},
      {"input.f is float", "true"},
      {"input.n is integer", "true"},
      {"input.s is string", "true"},
      {"input.d is mapping", "true"},
      {"input.list is sequence", "true"},
      {"input.list is iterable", "true"},
      {"input.n is odd", "true"},
      {"input.n is even", "false"},
      {"input.n is divisibleby 5", "true"},
      {"input.n is divisibleby(2)", "false"},
      {"input.yes is true", "true"},
      {"input.yes is boolean", "true"},
      {"1 is true", "false"},
      {"'a' is lower", "true"},
      {"5 is eq 5", "true"},
      {"5 is gt(4) and 5 is lt 6", "true"},
      {"5 is in [1, 5]", "true"},
      {"'a' is even", "!expression_type"},
      {"1 is divisibleby 0", "!expression_value"},
      {"1 is unheard", "!expression_name"},
      {"1 is divisibleby", "!expression_syntax"},
  }));
}

TEST(Expression, DefaultReplacesTheMissingOnly) {
  run(std::to_array<row>({
      {"nothing | default(5)", "5"},
      {"nothing|default([])", "[]"},
      {"nothing|default('x')", R"("x")"},
      {"nothing | d", R"("")"},
      {"input.nil | default(5)", "null"},
      {"input.e | default(5)", R"("")"},
      {"input.e | default(5, true)", "5"},
      {"input.nil | default(5, true)", "5"},
      {"input.z | default(5, boolean=true)", "5"},
      {"input.n | default(9)", "5"},
      {"steps.zz.output.x | default(steps.a.status)", R"("success")"},
      {"(nothing | default({})).x", "null"},
      {"input.list[9] | default('none')", R"("none")"},
      {"nothing | default", R"("")"},
      {"(1 if false) | default(2)", "2"},
      {"input.d.get('zz') | default(2)", "null"},
  }));
}

TEST(Expression, TextFunctions) {
  run(std::to_array<row>({
      {"input.s | upper", R"("HELLO WORLD")"},
      {"input.s.lower()", R"("hello world")"},
      {"'\u00e9\u044f\u03c3' | upper", "\"\u00c9\u042f\u03a3\""},
      {"'  a ' | trim", R"("a")"},
      {"'xax'.strip('x')", R"("a")"},
      {"' a '.lstrip() ~ '|'", R"("a |")"},
      {"'hello wORLD' | title", R"("Hello World")"},
      {"'hELLO' | capitalize", R"("Hello")"},
      {"'a-b-c' | replace('-', '+')", R"("a+b+c")"},
      {"'aaa'.replace('a', 'b', 2)", R"("bba")"},
      {"'a' | replace('', 'x')", "!expression_value"},
      {"'a,b,,c'.split(',')", R"(["a","b","","c"])"},
      {"' a  b '.split()", R"(["a","b"])"},
      {"'a b c' | split(' ', 1)", R"(["a","b c"])"},
      {"'a'.split('')", "!expression_value"},
      {"'a b c'.split(none, 1)", R"(["a","b c"])"},
      {"'a\\nb\\r\\nc'.splitlines()", R"(["a","b","c"])"},
      {"['a', 1, none] | join('-')", R"("a-1-")"},
      {"', '.join(['a', 'b'])", R"("a, b")"},
      {"input.people | join(',', attribute='name')", R"("Ann,Bo,Cy")"},
      {"[] | join('x')", R"("")"},
      {"'abc' | join('.')", R"("a.b.c")"},
      {"input.s.startswith('Hell')", "true"},
      {"startswith(input.s, 'x')", "false"},
      {"'a.py'.endswith(('.js', '.py'))", "true"},
      {"'banana'.count('an')", "2"},
      {"input.u.find('l')", "2"},
      {"'abc'.find('z')", "-1"},
      {"'12'.isdigit()", "true"},
      {"'foo bar baz qux' | truncate(9)", R"("foo...")"},
      {"'foo bar baz qux' | truncate(9, true)", R"("foo ba...")"},
      {"'foo bar baz' | truncate(9)", R"("foo bar baz")"},
      {"'foo bar baz qux' | truncate(11, false, '...', 0)", R"("foo bar...")"},
      {"'a b/c?' | urlencode", R"("a%20b/c%3F")"},
      {"{'q': 'a b', 'n': 1} | urlencode", R"("q=a+b&n=1")"},
      {"'\u00e9' | urlencode", R"("%C3%A9")"},
      {"'hi' | b64encode", R"("aGk=")"},
      {"'aGk=' | b64decode", R"("hi")"},
      {"'!' | b64decode", "!expression_value"},
      {"'//8=' | b64decode", "!expression_value"},
      {"input.json | fromjson", R"({"k":[1,2.5]})"},
      {"'{' | fromjson", "!expression_value"},
      {"{'a': [1, 2.0]} | tojson", R"("{\"a\":[1,2.0]}")"},
      {"5 | upper", R"("5")"},
      {"none | upper", "!expression_type"},
      {"[] | upper", "!expression_type"},
      {"'a b  c' | wordcount", "3"},
      {"'x.txt'.removesuffix('.txt')", R"("x")"},
      {"input.u | length", "8"},
      {"len(input.u)", "8"},
      {"'abc' | first", R"("a")"},
      {"'abc' | last", R"("c")"},
      {"'abc' | reverse", R"("cba")"},
  }));
}

TEST(Expression, NumberFunctions) {
  run(std::to_array<row>({
      {"round(2.5)", "2"},
      {"round(3.5)", "4"},
      {"round(-2.5)", "-2"},
      {"round(2.675, 2)", "2.67"},
      {"round(1234, -2)", "1200"},
      {"2.5 | round", "2.0"},
      {"42.55 | round(1, 'floor')", "42.5"},
      {"42.51 | round(1, method='ceil')", "42.6"},
      {"1 | round(0, 'x')", "!expression_value"},
      {"round('a')", "!expression_type"},
      {"round(1e300, 2)", "1e+300"},
      {"round(5.015, 1000000)", "5.015"},
      {"abs(-3)", "3"},
      {"-3.5 | abs", "3.5"},
      {"abs('x')", "!expression_type"},
      {"min(3, 1, 2)", "1"},
      {"max(input.list)", "3"},
      {"input.list | min", "1"},
      {"[] | max", "null"},
      {"max([])", "!expression_value"},
      {"max([1, 'a'])", "!expression_type"},
      {"sum(input.list)", "6"},
      {"sum([1.5, 2], 1)", "4.5"},
      {"input.people | sum(attribute='age')", "90"},
      {"sum(['a'])", "!expression_type"},
      {"input.people | max(attribute='age') | tojson",
       R"("{\"name\":\"Cy\",\"age\":35,\"tags\":[]}")"},
      {"int('12')", "12"},
      {"int(3.9)", "3"},
      {"int(-3.9)", "-3"},
      {"int('x')", "!expression_value"},
      {"int(none)", "!expression_type"},
      {"int('3.5')", "!expression_value"},
      {"'3.5' | int", "3"},
      {"'x' | int", "0"},
      {"'x' | int(7)", "7"},
      {"'x' | int(default=8)", "8"},
      {"none | int", "0"},
      {"float('2.5')", "2.5"},
      {"float('nan')", "!expression_value"},
      {"'inf' | float", "0.0"},
      {"int(1e300)", "1e+300"},
      {"str(2.0)", R"("2.0")"},
      {"str(none)", R"("")"},
      {"5 | string", R"("5")"},
      {"bool('')", "false"},
      {"bool([0])", "true"},
      {"range(3)", "[0,1,2]"},
      {"range(1, 7, 2)", "[1,3,5]"},
      {"range(3, 0, -1)", "[3,2,1]"},
      {"range(5, 1)", "[]"},
      {"range(1, 2, 0)", "!expression_value"},
      {"range('a')", "!expression_type"},
  }));
}

TEST(Expression, ListsAndObjects) {
  run(std::to_array<row>({
      {"input.list | sort", "[1,2,3]"},
      {"input.list | sort(reverse=true)", "[3,2,1]"},
      {"input.names | sort", R"(["alice","Bob","Carol"])"},
      {"sorted(input.names)", R"(["Bob","Carol","alice"])"},
      {"input.names | sort(case_sensitive=true)", R"(["Bob","Carol","alice"])"},
      {"input.people | sort(attribute='age') | map(attribute='name')", R"(["Bo","Ann","Cy"])"},
      {"[1, 'a'] | sort", "!expression_type"},
      {"[none] | sort", "!expression_type"},
      {"[2, 1, 2, 1.0, true] | unique", "[2,1]"},
      {"['a', 'A'] | unique", R"(["a"])"},
      {"['a', 'A'] | unique(true)", R"(["a","A"])"},
      {"set([1, 1, 2])", "[1,2]"},
      {"[{'a': 1, 'b': 2}, {'b': 2, 'a': 1}] | unique | length", "1"},
      {"input.list | first", "3"},
      {"input.list | last", "2"},
      {"[] | first", "null"},
      {"[] | first | default(1)", "1"},
      {"input.list | reverse", "[2,1,3]"},
      {"input.nested | flatten", "[1,2,3,4]"},
      {"input.nested | flatten(levels=1)", "[1,2,[3,[4]]]"},
      {"range(5) | list | batch(2)", "[[0,1],[2,3],[4]]"},
      {"range(3) | batch(2, 'x')", R"([[0,1],[2,"x"]])"},
      {"range(7) | slice(3)", "[[0,1,2],[3,4],[5,6]]"},
      {"range(5) | slice(3, 0)", "[[0,1],[2,3],[4,0]]"},
      {"range(2) | batch(0)", "!expression_value"},
      {"enumerate(['a', 'b'], 1)", R"([[1,"a"],[2,"b"]])"},
      {"zip([1, 2, 3], ['a', 'b'])", R"([[1,"a"],[2,"b"]])"},
      {"any([0, 1])", "true"},
      {"all([1, 0])", "false"},
      {"all([])", "true"},
      {"any(5)", "!expression_type"},
      {"input.d | keys", R"(["a","b","keys","0"])"},
      {"{'a': 1}.values()", "[1]"},
      {"{'a': 1} | items", R"([["a",1]])"},
      {"{'a': 1}.items()", R"([["a",1]])"},
      {"input.d.get('a')", "1"},
      {"input.d.get('q', 3)", "3"},
      {"input.d | get('a')", "1"},
      {"{'a': 1} | merge({'b': 2, 'a': 3})", R"({"a":3,"b":2})"},
      {"[1] | merge({})", "!expression_type"},
      {"dict(a=1, b='x')", R"({"a":1,"b":"x"})"},
      {"dict([['k', 1]])", R"({"k":1})"},
      {"list('ab')", R"(["a","b"])"},
      {"list({'a': 1})", R"(["a"])"},
      {"tuple([1])", "[1]"},
      {"list(5)", "!expression_type"},
      {"input.names | map('upper')", R"(["BOB","ALICE","CAROL"])"},
      {"input.people | map(attribute='tags', default=[])", R"([["a"],[],[]])"},
      {"['1', 'x'] | map('int', 5)", "[1,5]"},
      {"[[2, 1], [4, 3]] | map('sort') | map('first')", "[1,3]"},
      {"[1] | map('nope')", "!expression_name"},
      {"range(6) | select('even')", "[0,2,4]"},
      {"range(6) | reject('divisibleby', 3)", "[1,2,4,5]"},
      {"[0, 1, '', 'a'] | select", R"([1,"a"])"},
      {"input.people | selectattr('age', '>', 28) | map(attribute='name')", R"(["Ann","Cy"])"},
      {"input.people | selectattr('tags') | map(attribute='name')", R"(["Ann"])"},
      {"input.people | rejectattr('tags', 'defined') | map(attribute='name')", R"(["Bo"])"},
      {"input.people | selectattr('age', 'nope')", "!expression_name"},
      {"isinstance(5, int)", "true"},
      {"isinstance(true, int)", "true"},
      {"isinstance('a', (int, str))", "true"},
      {"isinstance(5.0, int)", "false"},
      {"isinstance([], list)", "true"},
      {"isinstance({}, dict)", "true"},
      {"isinstance(nothing, str)", "false"},
      {"len(none)", "!expression_type"},
      {"len(nothing)", "!expression_type"},
      {"input.list | length", "3"},
      {"input.d | count", "4"},
  }));
}

TEST(Expression, KeepsTheNamesOutOfReach) {
  run(std::to_array<row>({
      {"__import__('os')", "!expression_syntax"},
      {"''.__class__", "!expression_syntax"},
      {"input['__class__']", "!expression_syntax"},
      {"input.a__b", "!expression_syntax"},
      {"open('x')", "!expression_name"},
      {"eval('1')", "!expression_name"},
      {"input.s.format(1)", "!expression_name"},
      {"input.s | unheard", "!expression_name"},
      {"lambda: 1", "!expression_syntax"},
      {"[x for x in y]", "!expression_syntax"},
      {"input.n = 5", "!expression_syntax"},
      {"map('upper')", "!expression_name"},
      {"input.f()()", "!expression_name"},
      {"(1)(2)", "!expression_syntax"},
  }));
}

TEST(Expression, RefusesWrongSyntaxWithTheColumn) {
  for (const char* text : {"",
                           " ",
                           "{{ }}",
                           "1 +",
                           "+ ",
                           "(1",
                           "1)",
                           "[1",
                           "{'a' 1}",
                           "{'a': }",
                           "'open",
                           "\"open",
                           "1 2",
                           "a b",
                           "a.",
                           "a[",
                           "a[]",
                           "a..b",
                           "a[1",
                           "1.2.3",
                           "5x",
                           "a |",
                           "a | 5",
                           "a is",
                           "a is not",
                           "not",
                           "if",
                           "1 if",
                           "1 if true else",
                           "a.1.5x",
                           "a[1:2:3:4]",
                           "len(",
                           "len(1, 2)",
                           "len(x=1)",
                           "default(value=1, 2)",
                           "x | default(value=1)",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "1e999",
                           "a ? b : c",
                           "a && b",
                           "!a",
                           "a; b",
                           "#",
                           "@",
                           "{{ a",
                           "{{ a }} b",
                           "a }}",
                           "\xff",
                           "'\xff'",
                           "and",
                           "1 and",
                           "1 not 2",
                           "dict(a=1, 2)",
                           "a = b",
                           "x[__a]",
                           "`a`",
                           "a\\b"}) {
    const auto parsed = parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "expression_syntax") << text;
    EXPECT_EQ(parsed.error().kind, failure_kind::invalid);
    EXPECT_NE(parsed.error().message.find("column "), std::string::npos) << text;
  }
  EXPECT_NE(parse("1 + \u00e9 $ @").error().message.find("column 7"), std::string::npos)
      << parse("1 + \u00e9 $ @").error().message;
  EXPECT_NE(parse("  {{ a @ }}").error().message.find("column 8"), std::string::npos);
}

TEST(Expression, ListsItsPaths) {
  const auto e = parse("steps.a.output.items[0].x + steps['b'].n + len(vars.l[i].k) + "
                       "(steps.a.output.items[0].x) ~ input.s.upper()");
  ASSERT_TRUE(e);
  const std::vector<std::vector<std::string>> expected = {
      {"steps", "a", "output", "items", "0", "x"},
      {"steps", "b", "n"},
      {"vars", "l"},
      {"i"},
      {"input", "s"}};
  EXPECT_EQ(e->paths(), expected);
  EXPECT_EQ(parse("isinstance(x, int)")->paths().size(), 1U);
}

/// Answers two segments at once and refuses `broken`.
class eager_names final : public names {
public:
  result<found> resolve(std::span<const std::string_view> path) const override {
    asked.emplace_back(path.begin(), path.end());
    if (path[0] == "broken")
      return failure{
          failure_kind::unavailable, "blob_missing", "a blob could not be loaded", {}, {}};
    if (path.size() < 2)
      return found{};
    found f;
    f.keep = share(*json::parse(R"({"list": [1, {"x": "kept"}]})"));
    f.at = f.keep.get();
    f.consumed = 2;
    return f;
  }
  mutable std::vector<std::vector<std::string>> asked;
};

TEST(Expression, AsksOnceWithTheLongestPath) {
  const eager_names scope;
  budget spend;
  const auto r = evaluate(*parse("steps.a.list[1].x ~ steps.b.list[-1].x"), scope, spend);
  EXPECT_EQ(outcome(r), R"("keptkept")");
  const std::vector<std::vector<std::string>> expected = {{"steps", "a", "list", "1", "x"},
                                                          {"steps", "b", "list"}};
  EXPECT_EQ(scope.asked, expected);
  EXPECT_EQ(outcome(evaluate(*parse("1 + broken.x"), scope, spend)), "!blob_missing");
  EXPECT_EQ(outcome(evaluate(*parse("true or broken.x"), scope, spend)), "true");
}

TEST(Expression, GivesTheTruthOfConditions) {
  const object_names scope(roots());
  budget spend;
  EXPECT_TRUE(*evaluate_condition(*parse("{{ steps.a.status == 'success' and input.n in [5] }}"),
                                  scope, spend));
  EXPECT_FALSE(*evaluate_condition(*parse("input.e"), scope, spend));
  EXPECT_EQ(evaluate_condition(*parse("input.n > 'a'"), scope, spend).error().code,
            "expression_type");
}

} // namespace
} // namespace troupe::expr
