#include "node-config/cluster_node.hpp"

#include "actors/peers/link_desk.hpp"
#include "node-config/cluster_groups.hpp"
#include "node-config/cluster_members.hpp"
#include "node-config/cluster_status.hpp"
#include "node-config/membership.hpp"
#include "runtime/base/log.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace troupe {

namespace {

constexpr milliseconds announce_every{500}, write_timeout{5'000};

failure no_such_node() {
  return {failure_kind::not_found, "node_not_found", "The cluster has no such node.", {}, {}};
}

class real_cluster_node final : public cluster_node, private cluster::peer_events {
public:
  real_cluster_node(cluster_files files, const node_settings& settings, rocks_store& store)
      : settings_(settings), store_(store), files_(std::move(files)), desk_(desk_options()) {}
  ~real_cluster_node() override {
    stop();
    network_.open(nullptr);
    peers_.reset();
    log_.reset();
  }

  result<void> open(byte_budget& budget);

  replicated_log& log() override { return *log_; }
  node_link& link() override { return desk_; }
  std::uint64_t self() const override { return files_.node; }
  void attach(engine_port& engine) override { engine_ = &engine; }
  void start(std::string http_url) override;
  void control_changed(const std::string& name) override;
  void stop() override;

  json::value nodes() const override {
    return cluster_status(files_, members(), log_->status(), peers_->status());
  }
  void invite(reply<json::value> answer) override;
  void join(json::value body, reply<json::value> answer) override;
  void drain(std::uint64_t node, bool on, reply<json::value> answer) override;
  void remove(std::uint64_t node, reply<json::value> answer) override;

private:
  link_desk_options desk_options() {
    link_desk_options how;
    how.self = files_.node;
    how.send = [this](cluster::node_number to, std::string bytes) {
      return network_.pass(to, cluster::lane::request, std::move(bytes));
    };
    return how;
  }
  // From peers, on the network's threads
  void received(cluster::node_number from, cluster::lane in, std::string bytes) override;
  void up(const cluster::peer_identity&) override {}
  void down(cluster::node_number peer) override;

  cluster_members members() const {
    return cluster_members::from(engine_->read_document(cluster_collection, members_document));
  }
  void write(std::string_view document, std::uint64_t version, json::value body,
             reply<done_at> answer);
  void write_here(const std::string& bytes, node_link::answer back);
  void change_members(const std::function<result<void>(cluster_members&)>& change,
                      reply<json::value> answer);
  void apply_members();
  bool announce();
  void work();

  const node_settings settings_;
  rocks_store& store_;
  cluster_files files_;
  network_slot network_;
  link_desk desk_;
  std::unique_ptr<raft::raft_log> log_;
  std::unique_ptr<cluster::peers> peers_;
  engine_port* engine_ = nullptr; ///< set before anybody can ask
  std::string http_url_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, changed_ = true;
  std::thread thread_; ///< announces this node, and takes in who else is there
};

result<void> real_cluster_node::open(byte_budget& budget) {
  auto groups = open_groups(settings_, files_, store_, budget, network_);
  if (!groups)
    return groups.error();
  log_ = std::move(*groups);
  auto peers = open_peers(settings_, files_, *this);
  if (!peers)
    return peers.error();
  peers_ = std::move(*peers);
  network_.open(peers_.get());
  return {};
}

void real_cluster_node::start(std::string http_url) {
  http_url_ = std::move(http_url);
  desk_.serve(link_topic::changed,
              [this](std::uint64_t, std::string bytes, node_link::answer back) {
                write_here(bytes, std::move(back));
              });
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
  if (thread_.joinable())
    thread_.join();
  desk_.serve(link_topic::changed, nullptr);
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
    desk_.received(from, std::move(bytes));
  else
    log_->receive(from, std::move(bytes));
}

void real_cluster_node::down(cluster::node_number peer) {
  desk_.down(peer);
}

/// Until this node is announced, now and then; after that whenever the members change.
void real_cluster_node::work() {
  bool announced = false;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      const auto due = [&] { return stopping_ || changed_; };
      if (announced)
        wake_.wait(lock, due);
      else
        wake_.wait_for(lock, announce_every, due);
      if (stopping_)
        return;
      changed_ = false;
    }
    apply_members();
    announced = announce();
  }
}

void real_cluster_node::apply_members() {
  const auto now = members();
  if (now.all.empty())
    return; // not read yet: peers stay those of the last time
  std::vector<cluster::peer_address> addresses;
  std::vector<raft::wanted_member> wanted;
  auto files = files_;
  files.peers.clear();
  for (const auto& one : now.all) {
    addresses.push_back(one.at.address);
    wanted.push_back(
        {one.at.address.node,
         wanted.size() < cluster_voters_max ? raft::member_role::voter : raft::member_role::learner,
         !one.draining});
    if (one.at.address.node != files.node)
      files.peers.push_back(one.at);
  }
  peers_->set(std::move(addresses));
  log_->want(std::move(wanted));
  if (files.peers == files_.peers)
    return;
  files_.peers = files.peers;
  if (auto saved = save_cluster_files(settings_.data_dir, files); !saved)
    log::error("cluster", "the addresses of the other nodes could not be stored",
               {{"code", std::string_view(saved.error().code)}});
}

/// True: the members' list says of this node what is so.
bool real_cluster_node::announce() {
  auto now = members();
  const auto* known = now.find(files_.node);
  cluster_member self{{{files_.node, files_.host, files_.port}, http_url_},
                      known && known->draining};
  // A node that was removed must not come back by itself.
  if (!known && now.version > 0)
    return false;
  if (!now.put(self))
    return true;
  write(members_document, now.version, now.to_json(), [](const result<done_at>&) {});
  return false;
}

/// A document of the cluster, wherever control is led.
void real_cluster_node::write(std::string_view document, std::uint64_t version, json::value body,
                              reply<done_at> answer) {
  const auto leads = log_->leads(partition_id{0});
  if (leads.here)
    return engine_->write_document(
        {std::string(cluster_collection), std::string(document), version, std::move(body)},
        std::move(answer));
  const auto bytes =
      json::write(json::object{{"id", document}, {"version", version}, {"body", std::move(body)}});
  desk_.ask(leads.leader, link_topic::changed, bytes, write_timeout,
            [answer = std::move(answer)](const result<std::string>& done) {
              answer(done ? result<done_at>(done_at{}) : result<done_at>(done.error()));
            });
}

void real_cluster_node::write_here(const std::string& bytes, node_link::answer back) {
  const auto asked = json::parse(bytes);
  const auto* body = asked ? json::find(*asked, "body") : nullptr;
  const auto version = asked ? unsigned_member(*asked, "version", UINT64_MAX) : std::nullopt;
  if (!body || !version)
    return back(invalid("write_invalid", "a peer's write cannot be read"));
  engine_->write_document({std::string(cluster_collection),
                           std::string(json::text_or(*asked, "id", "")), *version, *body},
                          [back = std::move(back)](const result<done_at>& done) {
                            back(done ? result<std::string>(std::string())
                                      : result<std::string>(done.error()));
                          });
}

void real_cluster_node::change_members(const std::function<result<void>(cluster_members&)>& change,
                                       reply<json::value> answer) {
  auto now = members();
  if (auto fits = change(now); !fits)
    return answer(fits.error());
  const auto version = now.version;
  auto body = now.to_json();
  write(members_document, version, body,
        [body, answer = std::move(answer)](const result<done_at>& done) {
          answer(done ? result<json::value>(body) : result<json::value>(done.error()));
        });
}

void real_cluster_node::drain(std::uint64_t node, bool on, reply<json::value> answer) {
  change_members(
      [&](cluster_members& all) -> result<void> {
        const auto* known = all.find(node);
        if (!known)
          return no_such_node();
        auto to = *known;
        to.draining = on;
        all.put(to);
        return {};
      },
      std::move(answer));
}

void real_cluster_node::remove(std::uint64_t node, reply<json::value> answer) {
  change_members(
      [&](cluster_members& all) -> result<void> {
        if (all.all.size() == 1 && all.find(node))
          return failure{failure_kind::conflict,
                         "last_node",
                         "The last node of a cluster cannot be removed.",
                         {},
                         {}};
        return all.remove(node) ? result<void>{} : result<void>(no_such_node());
      },
      std::move(answer));
}

void real_cluster_node::invite(reply<json::value> answer) {
  if (files_.authority_key.empty())
    return answer(failure{failure_kind::conflict,
                          "authority_key_missing",
                          "This node cannot let others in.",
                          "Ask the node on which the cluster was made.",
                          {}});
  const auto stored = engine_->read_document(cluster_collection, invitations_document);
  auto table = stored ? invitations::from(stored->body) : result<invitations>(invitations{});
  const auto secret = cluster::new_secret();
  const auto print = cluster::fingerprint(files_.authority_certificate);
  for (const auto* why : {table ? nullptr : &table.error(), secret ? nullptr : &secret.error(),
                          print ? nullptr : &print.error()})
    if (why)
      return answer(*why);
  const auto until = table->add(*secret, engine_->now());
  if (!until)
    return answer(until.error());
  json::value out = json::object{{"token", cluster::to_text(cluster::join_token{*print, *secret})},
                                 {"expires_at", to_text(*until)}};
  write(invitations_document, stored ? stored->version : 0, table->to_json(),
        [out = std::move(out), answer = std::move(answer)](const result<done_at>& done) {
          answer(done ? result<json::value>(out) : result<json::value>(done.error()));
        });
}

/// The number is taken and the invitation used up, durably, before the guest is told.
void real_cluster_node::join(json::value body, reply<json::value> answer) {
  const auto asked = join_request_from(body);
  if (!asked)
    return answer(asked.error());
  const auto stored = engine_->read_document(cluster_collection, invitations_document);
  auto table = stored ? invitations::from(stored->body) : result<invitations>(invitations{});
  if (!table)
    return answer(table.error());
  auto now = members();
  std::vector<cluster_peer> known;
  for (const auto& one : now.all)
    known.push_back(one.at);
  const auto node = now.next;
  const auto let =
      let_in({files_, std::move(known), store_.partitions(), node}, *table, *asked, engine_->now());
  if (!let)
    return answer(let.error());
  now.put({{{node, asked->host, asked->port}, asked->http_url}, false});
  auto members_body = now.to_json();
  write(invitations_document, stored ? stored->version : 0, table->to_json(),
        [this, version = now.version, members_body = std::move(members_body), out = to_json(*let),
         answer = std::move(answer)](const result<done_at>& used) mutable {
          if (!used)
            return answer(used.error());
          write(members_document, version, std::move(members_body),
                [out = std::move(out), answer = std::move(answer)](const result<done_at>& done) {
                  answer(done ? result<json::value>(out) : result<json::value>(done.error()));
                });
        });
}

} // namespace

result<std::unique_ptr<cluster_node>> open_cluster_node(const node_settings& settings,
                                                        rocks_store& store, byte_budget& budget) {
  const auto exists = cluster_files_exist(settings.data_dir);
  if (!exists)
    return exists.error();
  if (!*exists)
    return std::unique_ptr<cluster_node>{};
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
