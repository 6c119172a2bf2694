// Handlers of reviews: questions that executions ask people.
#include "actors/gateway/executions.hpp"
#include "net/rest/json_schema.hpp"

#include <atomic>
#include <mutex>

namespace troupe::gate {

namespace {

constexpr std::size_t reviews_max = 500;

void list_reviews(const call_ptr& c, review_filter what) {
  const auto page = rest::page_of(c->request);
  if (!page)
    return c->refuse(page.error());
  what.limit = page->limit;
  what.cursor = page->cursor;
  answer_query(c, std::move(what));
}

void list_pending_reviews(const call_ptr& c) {
  review_filter what;
  what.status = "pending";
  what.workflow_id = c->request.parameter("workflow_id");
  what.execution = c->request.parameter("execution_id");
  list_reviews(c, std::move(what));
}

void list_execution_reviews(const call_ptr& c) {
  const auto run = run_of(c);
  if (!run)
    return;
  review_filter what;
  what.execution = to_text(*run);
  what.status = c->request.parameter("status");
  c->engine().events(*run, 0, 1,
                     then<event_page>(c, [c, what](const event_page&) { list_reviews(c, what); }));
}

struct review_answer {
  commands::decide_review what;
  std::optional<failure> refused;
};

/// All answers of one request; the last one to come answers the caller.
struct batch {
  std::mutex mutex;
  std::vector<review_answer> answers;
  std::size_t open = 0;
  position at;
};

json::object one_result(const review_answer& a) {
  json::object out{{"review_id", json::string(a.what.review)}};
  if (a.refused) {
    out["status"] = "failed";
    out["code"] = json::string(a.refused->code);
    out["detail"] = json::string(a.refused->message);
  } else {
    out["status"] = a.what.approved ? "approved" : "rejected";
  }
  return out;
}

void answer_batch(const call_ptr& c, const batch& done) {
  std::uint64_t approved = 0, rejected = 0, failed = 0;
  const failure* why = nullptr;
  json::array results;
  for (const auto& a : done.answers) {
    results.push_back(one_result(a));
    if (a.refused) {
      ++failed;
      why = why == nullptr ? &*a.refused : why;
    } else {
      ++(a.what.approved ? approved : rejected);
    }
  }
  if (failed == done.answers.size() && why != nullptr)
    return c->refuse(*why);
  c->at(done.at);
  c->json(200, json::object{{"approved", approved},
                            {"rejected", rejected},
                            {"failed", failed},
                            {"results", std::move(results)}});
}

/// "<run id>.<number>"
std::optional<run_id> run_of_review(std::string_view review) {
  const auto dot = review.find('.');
  return dot == std::string_view::npos ? std::nullopt : run_id_from_text(review.substr(0, dot));
}

/// Reads the list; 404 for ids that name no review, 409 when several executions are mixed.
std::optional<failure> read_answers(const call_ptr& c, std::vector<review_answer>& answers,
                                    std::optional<run_id>& run) {
  rest::fields in(c->body);
  const auto* list = in.list("reviews");
  if (in.any("reviews") == nullptr)
    in.complain("reviews", "required", "is required");
  if (list != nullptr && (list->empty() || list->size() > reviews_max))
    in.complain("reviews", "out_of_range", "must have from 1 to 500 entries");
  if (const auto fault = in.fault())
    return fault;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* item = (*list)[i].if_object();
    const auto place = "reviews[" + std::to_string(i) + "].";
    if (item == nullptr)
      return invalid("wrong_type",
                     "Field '" + place.substr(0, place.size() - 1) + "' must be an object.");
    rest::fields entry(*item, place);
    review_answer a;
    a.what.review = entry.required_text("review_id");
    a.what.approved = entry.flag("approved", false);
    a.what.message = entry.text("message");
    a.what.by = "user";
    if (entry.any("approved") == nullptr)
      entry.complain("approved", "required", "is required");
    if (const auto fault = entry.fault())
      return fault;
    for (const auto key : {"data", "reviewed_data"})
      if (const auto* data = item->if_contains(key); data != nullptr && a.what.data.empty())
        a.what.data = value_ref(share(*data));
    const auto owner = run_of_review(a.what.review);
    if (!owner)
      return not_found("review_not_found",
                       "There is no review " + a.what.review.substr(0, 80) + ".");
    if (run && *run != *owner)
      return failure{failure_kind::conflict,
                     "mixed_executions",
                     "The reviews belong to different executions.",
                     "Decide the reviews of one execution at a time.",
                     {}};
    run = owner;
    answers.push_back(std::move(a));
  }
  return std::nullopt;
}

/// Sends every decision to the run.
void send_answers(const call_ptr& c, const std::shared_ptr<batch>& all, const run_id& run) {
  all->open = all->answers.size();
  c->home->cache.drop(run);
  for (std::size_t i = 0; i < all->answers.size(); ++i) {
    auto done = [c, all, i, run](result<done_at> got) {
      c->home->cache.drop(run);
      {
        const std::lock_guard lock(all->mutex);
        if (!got)
          all->answers[i].refused = got.error();
        else if (got->at.index > all->at.index)
          all->at = got->at;
        if (--all->open > 0)
          return;
      }
      answer_batch(c, *all);
    };
    c->engine().command(run, all->answers[i].what, std::move(done));
  }
}

/// What the form of an open review says about the data of an approval.
void check_form(const json::value& review, const commands::decide_review& answer,
                std::vector<node_error>& complaints) {
  const auto* form = json::find(review, "form");
  if (!answer.approved || form == nullptr || !form->is_object())
    return;
  static const json::value nothing = json::object{};
  const auto& data = answer.data.empty() ? nothing : *answer.data.inline_value();
  for (auto& e : rest::schema_complaints(*form, data)) {
    e.node = json::text_or(review, "node_id", "");
    e.field = "data" + (e.field.empty() ? "" : "." + e.field);
    complaints.push_back(std::move(e));
  }
}

/// Looks through the run's open reviews, page by page, then decides.
void check_forms(const call_ptr& c, const std::shared_ptr<batch>& all, const run_id& run,
                 std::string cursor) {
  review_filter what;
  what.execution = to_text(run);
  what.status = "pending";
  what.limit = reviews_max;
  what.cursor = std::move(cursor);
  auto checked = [c, all, run](const view_page& page) {
    std::vector<node_error> complaints;
    for (const auto& item : page.items)
      if (const auto review = json::parse(item))
        for (const auto& a : all->answers)
          if (json::text_or(*review, "review_id", "") == a.what.review)
            check_form(*review, a.what, complaints);
    if (!complaints.empty()) {
      failure why = invalid("data_invalid", "The data is not what the review's form asks for.");
      why.node_errors = std::move(complaints);
      return c->refuse(why);
    }
    if (!page.next_cursor.empty())
      return check_forms(c, all, run, page.next_cursor);
    send_answers(c, all, run);
  };
  c->engine().query(std::move(what), {}, then<view_page>(c, std::move(checked)));
}

void decide_reviews(const call_ptr& c) {
  auto all = std::make_shared<batch>();
  std::optional<run_id> run;
  if (const auto fault = read_answers(c, all->answers, run))
    return c->refuse(*fault);
  check_forms(c, all, *run, {});
}

} // namespace

std::vector<handler_row> review_handlers() {
  return {{"list_pending_reviews", list_pending_reviews},
          {"list_execution_reviews", list_execution_reviews},
          {"decide_reviews", decide_reviews}};
}

} // namespace troupe::gate
