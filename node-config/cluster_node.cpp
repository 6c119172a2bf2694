#include "node-config/cluster_node.hpp"

#include "node-config/cluster_desk.hpp"
#include "node-config/cluster_groups.hpp"
#include "node-config/cluster_rules.hpp"
#include "node-config/cluster_status.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace troupe {

namespace {

constexpr milliseconds announce_every{100}, leaving_every{200}, postponed_for{20},
    authority_every{1'000}, unasked_every{3'600'000};

class real_cluster_node final : public cluster_node, private cluster::peer_events {
public:
  real_cluster_node(cluster_files files, const node_settings& settings, rocks_store& store)
      : settings_(settings), build_(build_level_of(settings)), store_(store),
        files_(std::move(files)), links_(desk_options()),
        desk_(files_, build_.release, build_.features, store.partitions(), links_) {}
  ~real_cluster_node() override {
    stop();
    network_.open(nullptr);
    peers_.reset();
    log_.reset();
  }

  result<void> open(byte_budget& budget);

  replicated_log& log() override { return *log_; }
  node_link& link() override { return links_; }
  std::uint64_t self() const override { return files_.node; }
  bool serves_clients() const override { return roles().gateway; }
  void attach(engine_port& engine) override;
  void start(std::string http_url) override;
  void control_changed(const std::string& name) override;
  void stop() override;

  json::value nodes() const override {
    return cluster_status(files_, log_->feature_level(), desk_.members(), log_->status(),
                          peers_->status());
  }
  void invite(reply<json::value> answer) override { desk_.invite(std::move(answer)); }
  void join(json::value body, reply<json::value> answer) override {
    desk_.join(body, std::move(answer));
  }
  void drain(std::uint64_t node, bool on, reply<json::value> answer) override {
    desk_.drain(node, on, std::move(answer));
  }
  void remove(std::uint64_t node, reply<json::value> answer) override {
    desk_.remove(node, std::move(answer));
  }
  void finalize(reply<json::value> answer) override { desk_.finalize(std::move(answer)); }
  std::optional<failure> problem() const override { return copy_of(problem_); }
  bool member() const override { return !copy_of(ended_); }

private:
  link_desk_options desk_options() {
    return {files_.node,
            [this](cluster::node_number to, std::string bytes) {
              return network_.pass(to, cluster::lane::request, std::move(bytes));
            },
            [this] { return network_.connected(); }};
  }
  // From peers, on the network's threads
  void received(cluster::node_number from, cluster::lane in, std::string bytes) override;
  void up(const cluster::peer_identity& peer) override;
  void down(cluster::node_number peer) override { links_.down(peer); }
  void refused(cluster::node_number by, const cluster::refusal& why) override;
  std::optional<cluster::refusal> judge(const cluster::peer_identity& who);

  node_roles roles() const {
    return *roles_from(settings_.roles.empty() ? files_.roles : settings_.roles);
  }
  template <class T> T copy_of(const T& shared) const {
    const std::lock_guard lock(mutex_);
    return shared;
  }
  void end_membership(std::string code, std::string why);
  void end_for_now(std::string code, std::string why);
  void leave();
  bool postpone(std::function<void()> what);
  void do_postponed();
  void take_level();
  bool take_members();
  bool announce();
  void keep_authority(const std::string& key);
  void work();

  const node_settings settings_;
  const build_level build_;
  rocks_store& store_;
  cluster_files files_; ///< what changes in it is the thread's
  network_slot network_;
  link_desk links_;
  cluster_desk desk_;
  std::unique_ptr<raft::raft_log> log_;
  std::unique_ptr<cluster::peers> peers_;
  std::string http_url_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, changed_ = true;
  std::optional<failure> problem_;
  bool ended_ = false; ///< for good: problem_ says why
  std::shared_ptr<const cluster_members> known_ = std::make_shared<cluster_members>();
  std::vector<std::function<void()>> postponed_;
  std::vector<raft::wanted_member> wanted_; ///< of the thread, then of who stops it
  bool left_ = false;                       ///< of the thread
  std::thread thread_;                      ///< announces this node, and takes in who else is there
};

result<void> real_cluster_node::open(byte_budget& budget) {
  if (auto begun = begin_life(settings_.data_dir, store_, files_); !begun)
    return begun;
  auto groups = open_groups(settings_, files_, store_, budget, network_);
  if (!groups)
    return groups.error();
  log_ = std::move(*groups);
  log_->set_feature_level(store_.feature_level());
  auto peers = open_peers(settings_, files_, *this,
                          [this](const cluster::peer_identity& who) { return judge(who); });
  if (!peers)
    return peers.error();
  peers_ = std::move(*peers);
  network_.open(peers_.get());
  return {};
}

void real_cluster_node::attach(engine_port& engine) {
  desk_.open(
      engine, *log_, [this] { return peers_->status(); },
      [this](std::function<void()> what) { return postpone(std::move(what)); });
}

void real_cluster_node::start(std::string http_url) {
  http_url_ = std::move(http_url);
  thread_ = std::thread([this] { work(); });
}

void real_cluster_node::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      return;
    stopping_ = true;
  }
  wake_.notify_one();
  if (!thread_.joinable())
    return;
  thread_.join();
  do_postponed();
  hand_over(*log_, wanted_, files_.node, store_.partitions(), peers_->status());
  desk_.close();
}

void real_cluster_node::control_changed(const std::string& name) {
  if (!name.starts_with(std::string(cluster_collection) + "/"))
    return;
  {
    const std::lock_guard lock(mutex_);
    changed_ = true;
  }
  wake_.notify_one();
}

void real_cluster_node::received(cluster::node_number from, cluster::lane in, std::string bytes) {
  if (in == cluster::lane::request)
    links_.received(from, std::move(bytes));
  else
    log_->receive(from, std::move(bytes));
}

void real_cluster_node::up(const cluster::peer_identity&) {
  const std::lock_guard lock(mutex_);
  if (!ended_)
    problem_.reset();
}

void real_cluster_node::refused(cluster::node_number by, const cluster::refusal& why) {
  if (ends_membership(why.code))
    return end_membership(why.code, why.words);
  if (!why.code.empty()) // else the log says it, and the list of nodes
    end_for_now(why.code, "Node " + std::to_string(by) + " refuses this node: " + why.words);
}

/// Until a peer lets it in; one of several that does not is that peer's problem.
void real_cluster_node::end_for_now(std::string code, std::string why) {
  for (const auto& one : peers_ ? peers_->status() : std::vector<cluster::peer_status>{})
    if (one.connected)
      return;
  const std::lock_guard lock(mutex_);
  if (!ended_)
    problem_ = failure{failure_kind::unavailable, std::move(code), std::move(why), {}, {}};
}

std::optional<cluster::refusal> real_cluster_node::judge(const cluster::peer_identity& who) {
  auto why = member_objection(*copy_of(known_), files_.recovery, log_->feature_level(), who);
  if (why && who.recovery > files_.recovery)
    end_membership(std::string(code_left_behind),
                   left_behind("Node " + std::to_string(files_.node), who.recovery));
  return why;
}

/// On any thread; what must be written is left to the node's own.
void real_cluster_node::end_membership(std::string code, std::string why) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_)
      return;
    ended_ = changed_ = true;
    problem_ = failure{failure_kind::unavailable, std::move(code), std::move(why), {}, {}};
    log::write(
        log::level::critical, "cluster", "this node is no member of the cluster any more",
        {{"code", std::string_view(problem_->code)}, {"why", std::string_view(problem_->message)}});
  }
  wake_.notify_one();
}

/// It does not try again, in this process or a later one.
void real_cluster_node::leave() {
  if (std::exchange(left_, true))
    return;
  const auto why = *problem();
  files_.ended_code = why.code;
  files_.ended_why = why.message;
  if (auto saved = save_cluster_files(settings_.data_dir, files_); !saved)
    log::error("cluster", "that this node is no member any more could not be stored",
               {{"code", std::string_view(saved.error().code)}});
  peers_->set({});
  log_->want({});
}

void real_cluster_node::take_level() {
  const auto level = desk_.feature_level();
  if (level == 0)
    return desk_.begin_features(store_.feature_level());
  if (level > build_.features)
    return end_for_now("release_unfit", "The cluster is at feature level " + std::to_string(level) +
                                            ", and this build knows " +
                                            std::to_string(build_.features) + " only.");
  // The directory first: a build that knows less must not open it once the first such record is in.
  if (auto raised = store_.raise_feature_level(level); !raised)
    return log::error("cluster", "the cluster's feature level could not be stored",
                      {{"code", std::string_view(raised.error().code)}});
  log_->set_feature_level(level);
}

/// True: one of them is leaving.
bool real_cluster_node::take_members() {
  auto now = desk_.members();
  if (now.all.empty())
    return false; // not read yet: peers stay those of the last time
  if (!now.find(files_.node) && now.next > files_.node) {
    end_membership(std::string(code_removed),
                   "Node " + std::to_string(files_.node) + " was removed from the cluster.");
    return false;
  }
  std::vector<cluster::peer_address> addresses;
  std::vector<cluster_peer> peers;
  for (const auto& one : now.all) {
    addresses.push_back(one.at.address);
    if (one.at.address.node != files_.node)
      peers.push_back(one.at);
  }
  wanted_.clear();
  for (const auto& [node, votes, leads] : parts_of(now))
    wanted_.push_back({node, votes ? raft::member_role::voter : raft::member_role::learner, leads});
  const bool leaving =
      std::any_of(now.all.begin(), now.all.end(), [](const auto& one) { return one.leaving; });
  {
    const std::lock_guard lock(mutex_);
    known_ = std::make_shared<const cluster_members>(std::move(now));
  }
  peers_->set(std::move(addresses));
  log_->want(wanted_);
  if (leaving)
    desk_.forget_left(log_->status());
  if (peers == files_.peers)
    return leaving;
  files_.peers = std::move(peers);
  if (auto saved = save_cluster_files(settings_.data_dir, files_); !saved)
    log::error("cluster", "the addresses of the other nodes could not be stored",
               {{"code", std::string_view(saved.error().code)}});
  return leaving;
}

bool real_cluster_node::announce() {
  const auto now = desk_.members();
  cluster_member self{{{files_.node, files_.host, files_.port}, http_url_}};
  if (const auto* known = now.find(files_.node)) {
    self.draining = known->draining;
    self.leaving = known->leaving;
  }
  self.roles = roles();
  self.release = build_.release;
  self.feature_level = build_.features;
  self.store = files_.store;
  self.life = files_.lives.back();
  return desk_.announce(self);
}

void real_cluster_node::keep_authority(const std::string& key) {
  if (std::exchange(files_.authority_key, key) == key)
    return;
  if (auto saved = save_cluster_files(settings_.data_dir, files_); !saved)
    log::error("cluster", "the key of the cluster's authority could not be stored",
               {{"code", std::string_view(saved.error().code)}});
}

bool real_cluster_node::postpone(std::function<void()> what) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      return false;
    postponed_.push_back(std::move(what));
  }
  wake_.notify_one();
  return true;
}

void real_cluster_node::do_postponed() {
  const auto taken = [this] {
    const std::lock_guard lock(mutex_);
    return std::exchange(postponed_, {});
  };
  for (const auto& one : taken())
    one();
}

/// Until this node is announced, now and then; after that whenever the members change.
void real_cluster_node::work() {
  bool announced = false, leaving = false;
  for (;;) {
    bool ended = false;
    {
      std::unique_lock lock(mutex_);
      const auto next = leaving                 ? leaving_every
                        : !announced            ? announce_every
                        : desk_.has_authority() ? unasked_every
                                                : authority_every;
      wake_.wait_for(lock, next, [&] { return stopping_ || changed_ || !postponed_.empty(); });
      if (!postponed_.empty())
        wake_.wait_for(lock, postponed_for, [&] { return stopping_; });
      if (stopping_)
        return;
      changed_ = false;
      ended = ended_;
    }
    do_postponed();
    if (ended) {
      leave();
      announced = true, leaving = false;
      continue;
    }
    take_level();
    leaving = take_members();
    announced = announce();
    if (!desk_.has_authority())
      desk_.fetch_authority(
          [this](const std::string& key) { postpone([this, key] { keep_authority(key); }); });
  }
}

} // namespace

result<std::unique_ptr<cluster_node>> open_cluster_node(const node_settings& settings,
                                                        rocks_store& store, byte_budget& budget) {
  const auto exists = cluster_files_exist(settings.data_dir);
  if (!exists)
    return exists.error();
  if (!*exists) {
    if (auto raised = store.raise_feature_level(build_level_of(settings).features); !raised)
      return raised.error();
    return std::unique_ptr<cluster_node>{};
  }
  auto files = load_cluster_files(settings.data_dir);
  if (!files)
    return files.error();
  if (files->partitions != 0 && files->partitions != store.partitions())
    return invalid("partitions_differ",
                   "The cluster has " + std::to_string(files->partitions) +
                       " partitions, and this data directory was made with " +
                       std::to_string(store.partitions()) + ".",
                   "Empty it, apart from its folder cluster, and start with --partitions " +
                       std::to_string(files->partitions) + ".");
  auto made = std::make_unique<real_cluster_node>(std::move(*files), settings, store);
  if (auto opened = made->open(budget); !opened)
    return opened.error();
  return std::unique_ptr<cluster_node>(std::move(made));
}

} // namespace troupe
