// A whole engine on an in-memory store, with an HTTP client that does as the test says.
#pragma once

#include "actors/engine/engine.hpp"
#include "persistence/store/memory_store.hpp"
#include "tests/support/eventually.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::test {

/// Keeps the newest row of each run; lists them all.
class fake_views final : public views {
public:
  void apply(partition_id partition, std::uint64_t index,
             std::vector<view_change> changes) override {
    const std::lock_guard lock(mutex_);
    auto& at = applied_[partition];
    at = std::max(at, index);
    for (auto& change : changes) {
      if (auto* row = std::get_if<execution_row>(&change))
        executions_[row->id] = *row;
      else if (auto* gone = std::get_if<execution_gone>(&change))
        forget(gone->id);
      else if (auto* review = std::get_if<review_row>(&change))
        reviews_[review->id] = *review;
      else if (auto* document = std::get_if<document_row>(&change))
        documents_[document->collection + "/" + document->id] = *document;
      else if (auto* none = std::get_if<document_gone>(&change))
        documents_.erase(none->collection + "/" + none->id);
    }
  }
  std::uint64_t applied(partition_id partition) const override {
    const std::lock_guard lock(mutex_);
    const auto at = applied_.find(partition);
    return at == applied_.end() ? 0 : at->second;
  }
  void query(view_query what, std::vector<position>, milliseconds, page_ready ready) override {
    view_page page;
    if (const auto* filter = std::get_if<execution_filter>(&what)) {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, row] : executions_)
        if (filter->workflow_id.empty() || filter->workflow_id == row.workflow_id)
          page.items.push_back(
              json::write(json::object{{"id", to_text(id)}, {"status", row.status}}));
    }
    if (const auto* old = std::get_if<retention_query>(&what)) {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, row] : executions_)
        if (row.completed_ms && row.completed_ms < old->completed_before_ms)
          page.items.push_back(json::write(json::object{{"id", to_text(id)}}));
    }
    page.total_count = page.items.size();
    ready(std::move(page));
  }
  std::size_t lag() const override { return 0; }
  void clear() override {
    const std::lock_guard lock(mutex_);
    applied_.clear();
    executions_.clear();
    reviews_.clear();
    documents_.clear();
  }
  bool wait_for_room(std::size_t, milliseconds) override {
    if (pace)
      pace();
    return true;
  }
  void sweep(partition_id partition, row_filter stays) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(executions_, [&](const auto& row) {
      return partition_of(row.first) == partition && !stays(execution_gone{row.first});
    });
    std::erase_if(reviews_, [&](const auto& row) {
      return partition_of(row.second.execution) == partition &&
             !executions_.contains(row.second.execution);
    });
    std::erase_if(documents_, [&](const auto& row) {
      return number(partition) == 0 && !stays(document_gone{row.second.collection, row.second.id});
    });
  }
  std::function<void()> pace; ///< called by who feeds many changes

  std::string status_of(const run_id& run) const {
    const std::lock_guard lock(mutex_);
    const auto at = executions_.find(run);
    return at == executions_.end() ? "" : at->second.status;
  }
  std::vector<review_row> reviews() const {
    const std::lock_guard lock(mutex_);
    std::vector<review_row> out;
    for (const auto& [id, row] : reviews_)
      out.push_back(row);
    return out;
  }

  /// Everything that is listed, one line a row.
  std::vector<std::string> dump() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    const auto time = [](const std::optional<std::int64_t>& at) { return at.value_or(-1); };
    for (const auto& [id, e] : executions_)
      out.push_back(json::write(json::array{
          to_text(id), e.workflow_id, e.workflow_name, e.workflow_version, e.status, e.trigger_type,
          e.triggered_by, e.parent_id, e.user, e.priority, e.created_ms, time(e.started_ms),
          time(e.completed_ms), e.error_code, e.error_message, e.last_seq, e.attempt}));
    for (const auto& [id, r] : reviews_)
      out.push_back(json::write(json::array{id, to_text(r.execution), r.workflow_id, r.node, r.kind,
                                            r.title, r.priority, r.status, r.body, r.created_ms,
                                            time(r.due_ms), time(r.decided_ms)}));
    for (const auto& [key, d] : documents_)
      out.push_back(json::write(json::array{key, d.name, d.body, d.tags, d.text, d.enabled,
                                            d.created_ms, d.updated_ms, d.version}));
    return out;
  }

private:
  void forget(const run_id& run) {
    executions_.erase(run);
    std::erase_if(reviews_, [&](const auto& row) { return row.second.execution == run; });
  }

  mutable std::mutex mutex_;
  std::map<partition_id, std::uint64_t> applied_;
  std::map<run_id, execution_row> executions_;
  std::map<std::string, review_row> reviews_;
  std::map<std::string, document_row> documents_;
};

/// Answers by a function, or holds a call until the test answers or somebody aborts it.
class fake_http final : public http::client {
public:
  using answerer =
      std::function<std::optional<result<http::incoming_response>>(const http::outgoing_request&)>;

  explicit fake_http(answerer how) : how_(std::move(how)) {}

  std::shared_ptr<http::call> start(http::outgoing_request what, http::call_done done) override {
    auto held = std::make_shared<held_call>();
    held->done = std::move(done);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(what);
    }
    if (auto answer = how_(what))
      held->finish(std::move(*answer));
    const std::lock_guard lock(mutex_);
    held_.push_back(held);
    changed_.notify_all();
    return held;
  }
  std::shared_ptr<http::call> start_streaming(http::outgoing_request what,
                                              std::function<void(std::string_view)>,
                                              http::call_done done) override {
    return start(std::move(what), std::move(done));
  }
  std::vector<http::outgoing_request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  bool wait_for_calls(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return held_.size() >= count; });
  }
  void answer(std::size_t call, result<http::incoming_response> what) {
    std::shared_ptr<held_call> held;
    {
      const std::lock_guard lock(mutex_);
      held = held_.at(call);
    }
    held->finish(std::move(what));
  }
  std::size_t aborted() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& each : held_)
      count += each->aborted ? 1 : 0;
    return count;
  }

private:
  struct held_call final : http::call {
    void abort() override {
      aborted = true;
      finish(failure{failure_kind::upstream, "aborted", "aborted", {}, {}});
    }
    void finish(result<http::incoming_response> what) {
      http::call_done once;
      {
        const std::lock_guard lock(mutex);
        once = std::exchange(done, nullptr);
      }
      if (once)
        once(std::move(what));
    }
    std::mutex mutex;
    http::call_done done;
    std::atomic<bool> aborted{false};
  };

  answerer how_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<http::outgoing_request> requests_;
  std::vector<std::shared_ptr<held_call>> held_;
};

inline http::incoming_response http_answer(unsigned status, std::string body = "{}") {
  return {status, {{"content-type", "application/json"}}, std::move(body), {}};
}

template <class T> class waiting {
public:
  reply<T> answer() {
    return [shared = state_](result<T> what) { shared->set_value(std::move(what)); };
  }
  result<T> get() {
    auto future = state_->get_future();
    if (future.wait_for(std::chrono::seconds(20)) != std::future_status::ready)
      return failure{failure_kind::internal, "test_timeout", "no answer came", {}, {}};
    return future.get();
  }

private:
  std::shared_ptr<std::promise<result<T>>> state_ = std::make_shared<std::promise<result<T>>>();
};

/// One node; `reopen` is a crash: what was not durable is gone.
struct node {
  memory_store store;
  fake_views lists;
  movable_clock clock;
  fake_http http;
  engine_settings settings;
  byte_budget* budget = nullptr;    ///< for the next open()
  loading_marks* loading = nullptr; ///< the same
  const row_reader* rows = nullptr; ///< the same; empty: the store
  replicated_log* log = nullptr;    ///< the same
  std::unique_ptr<engine> it;

  explicit node(
      engine_settings how = {},
      fake_http::answerer answers = [](const auto&) { return http_answer(200); })
      : http(std::move(answers)), settings(std::move(how)) {
    settings.partitions = 4;
    settings.test_clock = true;
    settings.test_faults = true;
    store.commit_at_once(true);
    open();
  }
  ~node() { it.reset(); }

  void open() {
    const row_reader& read = rows ? *rows : store;
    it = make_engine({read,
                      log ? *log : store,
                      lists,
                      http,
                      clock,
                      &clock,
                      settings,
                      budget,
                      nullptr,
                      {},
                      loading,
                      nullptr,
                      {}});
    ASSERT_TRUE(it->start());
    ASSERT_TRUE(eventually([&] { return it->ready(); }));
  }
  void reopen() {
    it.reset();
    open();
  }

  std::string save(const std::string& definition) {
    waiting<workflow_ptr> done;
    it->save_workflow({}, *json::parse(definition), false, {}, done.answer());
    auto saved = done.get();
    if (!saved) {
      ADD_FAILURE() << saved.error().code << ": " << saved.error().message
                    << (saved.error().node_errors.empty()
                            ? std::string()
                            : " / " + saved.error().node_errors.front().message);
      return {};
    }
    return (*saved)->id;
  }
  result<started_run> start(start_request what) {
    waiting<started_run> done;
    it->start(std::move(what), done.answer());
    return done.get();
  }
  result<started_run> run(const std::string& workflow, const std::string& input = "{}",
                          milliseconds wait = milliseconds(10'000)) {
    start_request what;
    what.workflow_id = workflow;
    what.input = share(*json::parse(input));
    if (wait.count() > 0)
      what.wait = wait;
    return start(std::move(what));
  }
  result<done_at> command(const run_id& run, commands::any what) {
    waiting<done_at> done;
    it->command(run, std::move(what), done.answer());
    return done.get();
  }
  json::value read(const run_id& run) {
    waiting<execution_text> done;
    it->read(run, done.answer());
    auto text = done.get();
    return text ? *json::parse(*text->json)
                : json::value(json::object{{"code", text.error().code}});
  }
  std::string status(const run_id& run) {
    return std::string(json::text_or(read(run), "status", ""));
  }
  /// Waits until the run has this status.
  bool becomes(const run_id& run, std::string_view status_word) {
    return eventually([&] { return status(run) == status_word; });
  }
};

/// A chain of echo steps.
inline std::string echo_chain(int steps) {
  json::array list;
  for (int i = 0; i < steps; ++i) {
    json::object step{{"step_id", "s" + std::to_string(i)},
                      {"skill_type", "echo"},
                      {"parameters", json::object{{"n", i}, {"from", "{{ input.name }}"}}}};
    if (i > 0)
      step["depends_on"] = json::array{json::value("s" + std::to_string(i - 1))};
    list.push_back(std::move(step));
  }
  return json::write(json::object{{"name", "chain"}, {"steps", std::move(list)}});
}

inline std::string http_step(const std::string& extra = "") {
  return R"({"name":"call","steps":[{"step_id":"a","skill_type":"http_request",
            "parameters":{"url":"http://target/x"})" +
         extra + "}]}";
}

} // namespace troupe::test
