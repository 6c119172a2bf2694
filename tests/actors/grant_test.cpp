// A start that waits for a token may be granted it before it is durable.
#include "tests/actors/support.hpp"

#include <mutex>

namespace troupe {

using namespace test;

namespace {

/// Keeps one proposal back until it is let go; all others commit at once.
class slow_log final : public replicated_log {
public:
  explicit slow_log(memory_store& inner) : inner_(inner) {}

  void propose(proposal what, proposal_done done) override {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(keep_next_, false)) {
        kept_.emplace(std::move(what), std::move(done));
        return;
      }
    }
    inner_.propose(std::move(what), std::move(done));
  }
  std::uint64_t applied(partition_id partition) const override { return inner_.applied(partition); }
  queue_size queued() const override { return inner_.queued(); }
  void trim_log(partition_id partition, std::uint64_t up_to_index) override {
    inner_.trim_log(partition, up_to_index);
  }

  void keep_next() {
    const std::lock_guard lock(mutex_);
    keep_next_ = true;
  }
  bool keeps() const {
    const std::lock_guard lock(mutex_);
    return kept_.has_value();
  }
  void let_go() {
    std::optional<std::pair<proposal, proposal_done>> one;
    {
      const std::lock_guard lock(mutex_);
      one.swap(kept_);
    }
    inner_.propose(std::move(one->first), std::move(one->second));
  }

private:
  memory_store& inner_;
  mutable std::mutex mutex_;
  bool keep_next_ = false;
  std::optional<std::pair<proposal, proposal_done>> kept_;
};

} // namespace

TEST(Grants, AStartThatIsNotDurableYetKeepsItsToken) {
  node n({}, [](const auto&) { return std::nullopt; });
  slow_log slow(n.store);
  n.log = &slow;
  n.reopen();
  auto definition = json::parse(http_step())->as_object();
  definition["settings"] = json::object{{"max_concurrent_executions", 1}};
  const auto id = n.save(json::write(definition));
  const auto first = n.run(id, "{}", milliseconds(0));
  ASSERT_TRUE(first);
  ASSERT_TRUE(n.http.wait_for_calls(1));

  slow.keep_next();
  start_request what;
  what.workflow_id = id;
  what.input = share(json::object{});
  waiting<started_run> second;
  n.it->start(std::move(what), second.answer());
  ASSERT_TRUE(eventually([&] { return slow.keeps(); }));
  n.http.answer(0, http_answer(200));
  ASSERT_TRUE(n.becomes(first->id, "success"));
  std::this_thread::sleep_for(milliseconds(100)); // the token is on its way to the second
  slow.let_go();

  const auto begun = second.get();
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.http.wait_for_calls(2));
  n.http.answer(1, http_answer(200));
  EXPECT_TRUE(n.becomes(begun->id, "success"));
  n.it.reset();
}

} // namespace troupe
