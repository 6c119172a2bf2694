#include "runtime/expr/functions.hpp"

#include "runtime/expr/bodies.hpp"

#include <algorithm>
#include <iterator>
#include <string>

namespace troupe::expr {

namespace {

constexpr std::uint8_t fn = 1;
constexpr std::uint8_t filter = 2;
constexpr std::uint8_t method = 4;
constexpr std::uint8_t text_call = filter | method; // x | upper and x.upper()
constexpr std::uint8_t anywhere = fn | filter | method;

using namespace bodies;

/// A call of it carries its compiled pattern, and evaluate.cpp looks for that.
operand regex(context& c, arguments) {
  c.fail_value("regex needs a literal pattern");
  return {};
}

constexpr function functions[] = {
    // text
    {"upper", anywhere, 1, 1, "value", upper},
    {"lower", anywhere, 1, 1, "value", lower},
    {"capitalize", text_call, 1, 1, "value", capitalize},
    {"title", text_call, 1, 1, "value", title},
    {"trim", anywhere, 1, 2, "value chars", trim},
    {"strip", method, 1, 2, "value chars", trim},
    {"lstrip", method, 1, 2, "value chars", trim_left},
    {"rstrip", method, 1, 2, "value chars", trim_right},
    {"replace", anywhere, 3, 4, "value old new count", bodies::replace},
    {"split", anywhere, 1, 3, "value sep maxsplit", split},
    {"splitlines", method, 1, 1, "value", split_lines},
    {"lines", filter, 1, 1, "value", split_lines},
    {"startswith", anywhere, 2, 2, "value prefix", starts_with},
    {"endswith", anywhere, 2, 2, "value suffix", ends_with},
    {"removeprefix", method, 2, 2, "value prefix", remove_prefix},
    {"removesuffix", method, 2, 2, "value suffix", remove_suffix},
    {"find", method, 2, 2, "value sub", bodies::find},
    {"count", method, 2, 2, "value sub", bodies::count},
    {"isdigit", method, 1, 1, "value", is_digits},
    {"isalpha", method, 1, 1, "value", is_letters},
    {"truncate", filter, 1, 5, "value length killwords end leeway", truncate},
    {"wordcount", filter, 1, 1, "value", word_count},
    {"join", filter, 1, 3, "value d attribute", join},
    {"join", method, 2, 2, "separator value", join_method},
    {"urlencode", filter, 1, 1, "value", url_encode},
    {"b64encode", filter, 1, 1, "value", base64_encode},
    {"b64decode", filter, 1, 1, "value", base64_decode},
    {"regex", fn, 2, 2, "value pattern", regex},
    {"tojson", filter, 1, 2, "value indent", to_json},
    {"fromjson", filter, 1, 1, "value", from_json},
    // conversions
    {"default", filter, 1, 3, "value default_value boolean", default_value},
    {"d", filter, 1, 3, "value default_value boolean", default_value},
    {"str", fn, 1, 1, "value", as_text},
    {"string", filter, 1, 1, "value", as_text},
    {"bool", fn | filter, 1, 1, "value", as_bool},
    {"int", fn, 1, 1, "value", as_int},
    {"int", filter, 1, 2, "value default", int_or},
    {"float", fn, 1, 1, "value", as_float},
    {"float", filter, 1, 2, "value default", float_or},
    {"list", fn | filter, 0, 1, "value", as_list},
    {"tuple", fn, 0, 1, "value", as_list},
    {"set", fn, 0, 1, "value", unique_list},
    {"dict", fn | filter, 0, 1, "value", as_dict},
    {"isinstance", fn, 2, 2, "value types", is_instance},
    {"len", fn, 1, 1, "value", length},
    {"length", filter, 1, 1, "value", length},
    {"count", filter, 1, 1, "value", length},
    // numbers
    {"abs", fn | filter, 1, 1, "value", absolute},
    {"round", fn, 1, 2, "value ndigits", round_number},
    {"round", filter, 1, 3, "value precision method", round_filter},
    {"sum", fn, 1, 2, "value start", bodies::sum},
    {"sum", filter, 1, 3, "value attribute start", sum_filter},
    {"min", fn, 1, unlimited, "value", minimum},
    {"max", fn, 1, unlimited, "value", maximum},
    {"min", filter, 1, 3, "value case_sensitive attribute", minimum_filter},
    {"max", filter, 1, 3, "value case_sensitive attribute", maximum_filter},
    {"range", fn, 1, 3, "start stop step", range},
    // lists and objects
    {"first", filter, 1, 1, "value", first},
    {"last", filter, 1, 1, "value", last},
    {"reverse", filter, 1, 1, "value", bodies::reverse},
    {"reversed", fn, 1, 1, "value", bodies::reverse},
    {"sorted", fn, 1, 2, "value reverse", sorted},
    {"sort", filter, 1, 4, "value reverse case_sensitive attribute", sort_filter},
    {"unique", filter, 1, 3, "value case_sensitive attribute", bodies::unique},
    {"slice", filter, 2, 3, "value slices fill_with", slice_filter},
    {"batch", filter, 2, 3, "value linecount fill_with", batch},
    {"flatten", filter, 1, 2, "value levels", flatten},
    {"enumerate", fn, 1, 2, "value start", enumerate},
    {"zip", fn, 1, unlimited, "value", zip},
    {"any", fn, 1, 1, "value", bodies::any_of},
    {"all", fn, 1, 1, "value", bodies::all_of},
    {"keys", text_call, 1, 1, "value", keys},
    {"values", text_call, 1, 1, "value", values},
    {"items", text_call, 1, 1, "value", items},
    {"merge", filter, 2, 2, "value other", bodies::merge},
    {"get", text_call, 2, 3, "value key default", bodies::get},
    {"map", filter, 2, unlimited, "value filter", map},
    {"map_attribute", filter, 2, 3, "value attribute default", map_attribute},
    {"select", filter, 1, unlimited, "value test", select},
    {"reject", filter, 1, unlimited, "value test", reject},
    {"selectattr", filter, 2, unlimited, "value attribute test", select_attribute},
    {"rejectattr", filter, 2, unlimited, "value attribute test", reject_attribute},
};

} // namespace

const function* find_function(std::string_view name, use as) noexcept {
  const auto at = std::find_if(std::begin(functions), std::end(functions), [&](const function& f) {
    return (f.uses & static_cast<std::uint8_t>(as)) != 0 && f.name == name;
  });
  return at == std::end(functions) ? nullptr : at;
}

operand call(context& c, const function& f, arguments args) {
  if (args.size() < f.least || (args.size() > f.most && f.most != unlimited)) {
    c.fail_type(std::string(f.name) + " got a wrong number of arguments");
    return {};
  }
  if (!c.pay() || !c.enter())
    return {};
  operand out = f.call(c, args);
  c.leave();
  return out;
}

} // namespace troupe::expr
