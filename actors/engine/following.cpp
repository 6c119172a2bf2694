#include "actors/engine/following.hpp"

#include "actors/control/housekeeping.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace troupe {

namespace {

constexpr milliseconds look_again_after{100};

std::vector<std::uint64_t> heads_of(const replicated_log& log, std::uint16_t partitions) {
  std::vector<std::uint64_t> out;
  for (std::uint16_t p = 0; p <= partitions; ++p)
    out.push_back(log.applied(partition_id{p}));
  return out;
}

bool stored(const row_reader& rows, const view_change& row) {
  bool there = false;
  result<void> read;
  if (const auto* run = std::get_if<execution_gone>(&row)) {
    const auto prefix = key_builder(partition_of(run->id)).id(run->id.id).take();
    read = rows.scan(table::events, prefix, prefix_end(prefix),
                     [&](std::string_view, std::string_view) {
                       there = true;
                       return false;
                     });
  } else if (const auto* document = std::get_if<document_gone>(&row)) {
    const auto found = rows.get(table::documents, document_key(document->collection, document->id));
    there = !found || *found;
  }
  return there || !read;
}

/// Tells that everybody has let go of it.
class last_one {
public:
  struct state {
    std::mutex mutex;
    std::condition_variable gone_signal;
    bool gone = false;
  };
  explicit last_one(std::shared_ptr<state> to) : to_(std::move(to)) {}
  last_one(const last_one&) = delete;
  last_one& operator=(const last_one&) = delete;
  ~last_one() {
    const std::lock_guard lock(to_->mutex);
    to_->gone = true;
    to_->gone_signal.notify_all();
  }

private:
  const std::shared_ptr<state> to_;
};

} // namespace

struct following::life {
  std::mutex mutex;
  bool ended = false;

  bool going() {
    const std::lock_guard lock(mutex);
    return !ended;
  }
};

following::following(replicated_log& log, std::shared_ptr<gated_views> lists,
                     std::uint16_t partitions)
    : gate_(std::move(lists)), followers_(std::make_shared<run_followers>()),
      feed_(std::make_shared<replica_feed>(gate_, heads_of(log, partitions))),
      life_(std::make_shared<life>()),
      log_(log, [weak = std::weak_ptr(followers_)](partition_id partition, std::uint64_t index,
                                                   const std::string& changed) {
        if (const auto followers = weak.lock())
          followers->changed(partition, index, changed);
      }) {}

void following::applied(partition_id partition, std::uint64_t index,
                        const std::vector<std::string_view>& changed) {
  const bool whole = feed_->applied(partition, index, changed);
  if (whole)
    followers_->changed_whole(partition, index);
  for (const auto names : changed)
    followers_->changed(partition, index, names);
}

view_builder following::builder() {
  return {shared_, *gate_, progress_, [life = life_] { return life->going(); }};
}

/// Of control: "collection/id". The runs of a deleted workflow end where they are led.
void following::refresh(const std::string& name) const {
  if (const auto slash = name.find('/'); slash != std::string::npos) {
    const auto collection = std::string_view(name).substr(0, slash);
    const auto id = name.substr(slash + 1);
    workflows_->refresh(collection, id);
    if (collection == workflows_collection && !workflows_->head(id))
      cancel_runs_of(*shared_, id);
  }
  if (changed_)
    changed_(name);
}

void following::start(std::shared_ptr<engine_shared> shared, std::shared_ptr<directory> workflows,
                      std::function<void(const std::string&)> changed) {
  changed_ = std::move(changed);
  shared_ = std::move(shared);
  workflows_ = std::move(workflows);
  followers_->start(shared_, {[this](const std::string& name) { refresh(name); },
                              [this] { (void)workflows_->open().has_value(); }});
  feed_steps how;
  how.may_show = [this] { return gate_->is_open(); };
  // Who waits for a position of control may execute what it names: the directory comes first.
  how.show = [this](partition_id partition, const std::vector<std::string>& names) {
    if (number(partition) == 0)
      for (const auto& name : names)
        refresh(name);
    return builder().show(partition, names);
  };
  how.show_log = [this](partition_id partition, std::uint64_t after, std::uint64_t to) {
    if (number(partition) == 0)
      if (auto read = workflows_->open(); !read)
        return read;
    return builder().changed(partition, after, to);
  };
  how.show_all = [this](partition_id partition) { return show_all(partition); };
  feed_->start(std::move(how));
}

void following::stop() {
  {
    const std::lock_guard lock(life_->mutex);
    life_->ended = true;
  }
  feed_->stop();
  followers_->stop();
}

result<void> following::show_all(partition_id partition) {
  if (number(partition) == 0)
    if (auto read = workflows_->open(); !read)
      return read;
  auto done = builder().everything(partition);
  return done ? sweep(partition) : done;
}

/// Waits: the position must not move before. After stop() nothing is read any more.
result<void> following::sweep(partition_id partition) {
  const auto ended = std::make_shared<last_one::state>();
  {
    const auto held = std::make_shared<last_one>(ended);
    gate_->sweep(partition, [held, life = life_, &rows = shared_->rows](const view_change& row) {
      const std::lock_guard lock(life->mutex);
      return life->ended || stored(rows, row);
    });
  }
  std::unique_lock lock(ended->mutex);
  while (!ended->gone_signal.wait_for(lock, look_again_after, [&] { return ended->gone; }))
    if (!life_->going())
      break;
  return life_->going()
             ? result<void>{}
             : failure{failure_kind::unavailable, "stopped", "the node is stopping", {}, {}};
}

} // namespace troupe
