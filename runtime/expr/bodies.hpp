// The bodies behind the table in functions.cpp. Each takes as many arguments as its row says; a
// missing argument is one that was not given. Failures go to the context.
#pragma once

#include "runtime/expr/functions.hpp"

namespace troupe::expr::bodies {

// bodies_text.cpp
operand upper(context&, arguments);
operand lower(context&, arguments);
operand capitalize(context&, arguments);
operand title(context&, arguments);
operand trim(context&, arguments);
operand trim_left(context&, arguments);
operand trim_right(context&, arguments);
operand replace(context&, arguments);
operand split(context&, arguments);
operand split_lines(context&, arguments);
operand starts_with(context&, arguments);
operand ends_with(context&, arguments);
operand remove_prefix(context&, arguments);
operand remove_suffix(context&, arguments);
operand find(context&, arguments);
operand count(context&, arguments);
operand is_digits(context&, arguments);
operand is_letters(context&, arguments);
operand truncate(context&, arguments);
operand word_count(context&, arguments);

// bodies_encode.cpp
operand url_encode(context&, arguments);
operand base64_encode(context&, arguments);
operand base64_decode(context&, arguments);
operand to_json(context&, arguments);
operand from_json(context&, arguments);
operand join(context&, arguments);
operand join_method(context&, arguments);

// bodies_convert.cpp
operand default_value(context&, arguments);
operand as_text(context&, arguments);
operand as_bool(context&, arguments);
operand as_int(context&, arguments);
operand as_float(context&, arguments);
operand int_or(context&, arguments);
operand float_or(context&, arguments);
operand as_list(context&, arguments);
operand as_dict(context&, arguments);
operand unique_list(context&, arguments);
operand unique(context&, arguments);
operand is_instance(context&, arguments);
operand length(context&, arguments);

// bodies_number.cpp
operand absolute(context&, arguments);
operand round_number(context&, arguments);
operand round_filter(context&, arguments);
operand sum(context&, arguments);
operand sum_filter(context&, arguments);
operand minimum(context&, arguments);
operand maximum(context&, arguments);
operand minimum_filter(context&, arguments);
operand maximum_filter(context&, arguments);
operand range(context&, arguments);

// bodies_list.cpp
operand first(context&, arguments);
operand last(context&, arguments);
operand reverse(context&, arguments);
operand sorted(context&, arguments);
operand sort_filter(context&, arguments);
operand slice_filter(context&, arguments);
operand batch(context&, arguments);
operand flatten(context&, arguments);
operand enumerate(context&, arguments);
operand zip(context&, arguments);
operand any_of(context&, arguments);
operand all_of(context&, arguments);
operand keys(context&, arguments);
operand values(context&, arguments);
operand items(context&, arguments);
operand merge(context&, arguments);
operand get(context&, arguments);

// bodies_select.cpp
operand map(context&, arguments);
operand map_attribute(context&, arguments);
operand select(context&, arguments);
operand reject(context&, arguments);
operand select_attribute(context&, arguments);
operand reject_attribute(context&, arguments);

} // namespace troupe::expr::bodies
