// Single events and reviews of the API, and the masking of secrets.
#include "runtime/base/encoding.hpp"
#include "runtime/engine/report.hpp"
#include "runtime/engine/report_text.hpp"

#include "runtime/engine/event_fields.hpp"

#include <algorithm>
#include <array>

namespace troupe {

namespace {

using namespace reporting;

constexpr std::array<std::string_view, 10> secret_words{
    "password", "passwd",        "secret",      "token",      "api_key",
    "apikey",   "authorization", "private_key", "credential", "cookie"};

/// Where a value stands: the `value` of an `auth` is a secret whatever it is called.
enum class place_of { anywhere, auth };

bool secret_name(std::string_view name, place_of at) {
  if (at == place_of::auth && (name == "value" || name == "key"))
    return true;
  std::string plain;
  for (const char c : name)
    plain.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '-' ? '_' : c);
  return std::any_of(secret_words.begin(), secret_words.end(),
                     [&](std::string_view word) { return plain.find(word) != std::string::npos; });
}

bool secret_member(std::string_view name, const json::value& v, place_of at) {
  const auto* text = v.if_string();
  return text && !text->empty() && secret_name(name, at);
}

place_of inside(std::string_view name) {
  return name == "auth" || name == "authentication" ? place_of::auth : place_of::anywhere;
}

bool has_secret(const json::value& v, place_of at = place_of::anywhere) {
  if (const auto* list = v.if_array())
    return std::any_of(list->begin(), list->end(), [](const auto& one) { return has_secret(one); });
  const auto* members = v.if_object();
  return members && std::any_of(members->begin(), members->end(), [at](const auto& one) {
           return secret_member(one.key(), one.value(), at) ||
                  has_secret(one.value(), inside(one.key()));
         });
}

void mask(json::value& v, place_of at = place_of::anywhere) {
  if (auto* list = v.if_array())
    for (auto& one : *list)
      mask(one);
  if (auto* members = v.if_object())
    for (auto& [name, one] : *members) {
      if (secret_member(name, one, at))
        one = "***";
      else
        mask(one, inside(name));
    }
}

value_ref masked_value(const value_ref& v) {
  return v.is_blob() ? v : value_ref{masked(v.inline_value())};
}

/// The event as others may see it; only what can hold written secrets is copied.
std::optional<events::any> masked_event(const events::any& what) {
  if (const auto* scheduled = std::get_if<events::node_scheduled>(&what)) {
    auto copy = *scheduled;
    copy.parameters = masked_value(copy.parameters);
    return copy;
  }
  if (const auto* started = std::get_if<events::execution_started>(&what);
      started && started->overrides) {
    auto copy = *started;
    copy.overrides = masked(copy.overrides);
    return copy;
  }
  if (const auto* retried = std::get_if<events::execution_retried>(&what);
      retried && retried->overrides) {
    auto copy = *retried;
    copy.overrides = masked(copy.overrides);
    return copy;
  }
  return std::nullopt;
}

/// node, iteration and attempt, for the events that have them.
struct head_writer {
  text_object& out;
  void operator()(std::string_view, const place& at) {
    if (!at.node.empty())
      out.text("node", at.node);
    out.iteration(at.iteration);
  }
  void operator()(std::string_view name, std::uint32_t v) {
    if (name == "attempt" && v > 0)
      out.number("attempt", v);
  }
  template <class T> void operator()(std::string_view, const T&) {}
};

} // namespace

shared_value masked(const shared_value& v) {
  if (!v || !has_secret(*v))
    return v;
  auto copy = *v;
  mask(copy);
  return share(std::move(copy));
}

std::string event_json(const event& e, const chain_hash& hash) {
  const auto other = masked_event(e.what);
  const auto& what = other ? *other : e.what;
  std::string out;
  out.reserve(384);
  text_object o{out};
  o.number("seq", e.seq);
  o.text("time", to_text(e.time));
  o.text("kind", kind_of(what));
  std::visit([&](const auto& fields) { each_field(fields, head_writer{o}); }, what);
  encode_data(o.key("data"), what);
  o.text("hash", to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()}));
  o.close();
  return out;
}

std::string review_json(const run_state& s, const open_review& review,
                        const events::review_decided* decided, std::string_view status,
                        std::optional<instant> closed, blob_port& blobs) {
  const auto& what = review.what;
  std::string out;
  text_object o{out};
  o.text("review_id", what.review);
  o.text("execution_id", to_text(s.id));
  o.text("workflow_id", s.start.workflow_id);
  o.text("workflow_name", s.start.workflow_name);
  o.text("node_id", what.at.node);
  o.iteration(what.at.iteration);
  o.text("type", what.type);
  o.text("status", status);
  o.text("title", what.title);
  o.text("message", what.message);
  o.text("priority", what.priority);
  o.value("form", what.form, blobs);
  o.value("context", what.context, blobs);
  o.time("created_at", review.opened);
  o.time("deadline", what.due);
  o.time("decided_at", closed);
  o.text_or_null("decided_by", decided ? std::string_view{decided->by} : std::string_view{});
  o.text_or_null("comment", decided ? std::string_view{decided->message} : std::string_view{});
  o.value("data", decided ? decided->data : value_ref{}, blobs);
  o.close();
  return out;
}

} // namespace troupe
