// What the operators do with values.
#pragma once

#include "runtime/expr/operand.hpp"
#include "runtime/expr/tree.hpp"

#include <optional>

namespace troupe::expr {

/// One of add … power. Integers that overflow become doubles.
operand arithmetic(context& c, op what, operand left, operand right);
operand negated(context& c, operand value);

/// Numbers and booleans by value (True == 1 == 1.0); costs in proportion to what is compared.
bool equal(context& c, const json::value& a, const json::value& b);
/// Negative, zero, positive; numbers with numbers, text with text (by code point), lists with
/// lists. Everything else fails with "expression_type"; then 0.
int order(context& c, const json::value& a, const json::value& b);
/// Element of a list, piece of a text, key of an object.
bool contains(context& c, const json::value& container, const json::value& sought);
bool compare(context& c, op what, const json::value& a, const json::value& b);

/// `base[from:to:step]` of a list or text; missing bounds as in Python.
operand slice(context& c, operand base, const operand& from, const operand& to,
              const operand& step);

bool is_number(const json::value& v) noexcept; ///< booleans are none
bool is_integer(const json::value& v) noexcept;
/// The double nearest to a number or boolean; nothing for others.
std::optional<double> as_double(const json::value& v) noexcept;
/// A finite double as operand, "expression_value" otherwise.
operand finite(context& c, double number);

/// The text of a value in a template, paid for.
std::string text_of(context& c, const json::value& v);

} // namespace troupe::expr
