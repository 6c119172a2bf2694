// Results of operations that may fail in an expected way: `result<T>` holds a value or a `failure`.
#pragma once

#include "runtime/base/invariant.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

/// What kind of refusal a failure is. `net/rest/problem` maps each kind to one HTTP status.
enum class failure_kind {
  malformed,        ///< the bytes are not of their format (400)
  unauthenticated,  ///< no or wrong credentials (401)
  payment,          ///< credits or budget used up (402)
  forbidden,        ///< (403)
  not_found,        ///< (404)
  not_allowed,      ///< method not allowed (405)
  conflict,         ///< the state does not allow it (409)
  gone,             ///< a token that is no longer valid (410)
  precondition,     ///< If-Match does not match (412)
  too_large,        ///< over a size limit (413)
  unsupported,      ///< content type (415)
  invalid,          ///< well-formed, but wrong (422)
  exhausted,        ///< over a rate, quota or memory limit (429)
  header_too_large, ///< (431)
  internal,         ///< our bug (500)
  upstream,         ///< a remote failed (502)
  unavailable,      ///< not now (503)
  storage_full,     ///< no space left (507)
};

/// One complaint about one node of a definition.
struct node_error {
  std::string node;    ///< node or step id; empty: the workflow itself
  std::string field;   ///< path inside the node, such as "parameters.url"
  std::string code;    ///< snake_case, such as "duplicate_id"
  std::string message; ///< what was wrong and what to do
  friend bool operator==(const node_error&, const node_error&) = default;
};

/// Why an operation was refused. Never carries a secret, a stack or a file path of the machine.
struct failure {
  failure_kind kind = failure_kind::internal;
  std::string code;    ///< snake_case, stable, documented
  std::string message; ///< one sentence: which field, what was wrong
  std::string hint;    ///< what to do; may be empty
  std::vector<node_error> node_errors;
};

/// A value or a failure, with the names of std::expected.
template <class T> class [[nodiscard]] result {
public:
  using value_type = T;
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(failure why) : state_(std::in_place_index<1>, std::move(why)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & { return (check(has_value(), "result holds a failure"), std::get<0>(state_)); }
  const T& value() const& {
    return (check(has_value(), "result holds a failure"), std::get<0>(state_));
  }
  T&& value() && {
    return (check(has_value(), "result holds a failure"), std::get<0>(std::move(state_)));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const failure& error() const& {
    return (check(!has_value(), "result holds a value"), std::get<1>(state_));
  }
  failure&& error() && {
    return (check(!has_value(), "result holds a value"), std::get<1>(std::move(state_)));
  }

private:
  std::variant<T, failure> state_;
};

template <> class [[nodiscard]] result<void> {
public:
  result() = default;
  result(failure why) : why_(std::move(why)) {}
  bool has_value() const noexcept { return !why_; }
  explicit operator bool() const noexcept { return has_value(); }
  const failure& error() const& { return (check(why_.has_value(), "result holds a value"), *why_); }
  failure&& error() && {
    return (check(why_.has_value(), "result holds a value"), std::move(*why_));
  }

private:
  std::optional<failure> why_;
};

/// Shorthand for the commonest failure.
inline failure invalid(std::string code, std::string message, std::string hint = {}) {
  return {failure_kind::invalid, std::move(code), std::move(message), std::move(hint), {}};
}

} // namespace troupe
