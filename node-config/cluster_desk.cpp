#include "node-config/cluster_desk.hpp"

#include "node-config/cluster_rules.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr milliseconds write_timeout{5'000}, authority_timeout{2'000};

failure no_such_node() {
  return {failure_kind::not_found, "node_not_found", "The cluster has no such node.", {}, {}};
}

json::value features_json(std::uint32_t level) {
  return json::object{{"format", 1}, {"level", level}};
}

reply<done_at> ignored() {
  return [](const result<done_at>&) {};
}

reply<done_at> answer_with(json::value body, reply<json::value> answer) {
  return [body = std::move(body), answer = std::move(answer)](const result<done_at>& done) {
    answer(done ? result<json::value>(body) : result<json::value>(done.error()));
  };
}

} // namespace

void cluster_desk::open(engine_port& engine, raft::raft_log& log, link_view peers, postpone later) {
  engine_ = &engine;
  later_ = std::move(later);
  log_ = &log;
  peers_ = std::move(peers);
  links_.serve(link_topic::changed,
               [this](std::uint64_t, std::string bytes, node_link::answer back) {
                 write_here(bytes, std::move(back));
               });
  links_.serve(link_topic::authority,
               [this](std::uint64_t, const std::string&, const node_link::answer& back) {
                 back(files().authority_key);
               });
}

void cluster_desk::close() {
  links_.serve(link_topic::changed, nullptr);
  links_.serve(link_topic::authority, nullptr);
}

cluster_members cluster_desk::members() const {
  auto now = cluster_members::from(engine_->read_document(cluster_collection, members_document));
  if (now.recovery >= files_.recovery)
    return now;
  if (!files_.survivor)
    return {}; // it joined later, and has not got as far yet
  const auto* self = now.find(files_.node);
  cluster_members alone;
  alone.put(self ? *self : cluster_member{{{files_.node, files_.host, files_.port}, {}}});
  alone.next = std::max(alone.next, now.next);
  alone.version = now.version;
  alone.recovery = now.recovery;
  return alone;
}

std::uint32_t cluster_desk::feature_level() const {
  const auto stored = engine_->read_document(cluster_collection, features_document);
  return stored ? static_cast<std::uint32_t>(
                      unsigned_member(stored->body, "level", UINT32_MAX).value_or(0))
                : 0;
}

/// A document of the cluster, wherever control is led.
void cluster_desk::write(std::string_view document, std::uint64_t version, json::value body,
                         reply<done_at> answer) {
  const auto leads = log_->leads(partition_id{0});
  if (leads.here)
    return engine_->write_document(
        {std::string(cluster_collection), std::string(document), version, std::move(body)},
        std::move(answer));
  const auto bytes =
      json::write(json::object{{"id", document}, {"version", version}, {"body", std::move(body)}});
  links_.ask(leads.leader, link_topic::changed, bytes, write_timeout,
             [answer = std::move(answer)](const result<std::string>& done) {
               answer(done ? result<done_at>(done_at{}) : result<done_at>(done.error()));
             });
}

void cluster_desk::write_here(const std::string& bytes, node_link::answer back) {
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

/// True: `what` is called later, for somebody else has just written the document.
bool cluster_desk::again(const failure& why, unsigned tries, std::function<void()> what) {
  return tries > 0 && why.kind == failure_kind::precondition && later_(std::move(what));
}

void cluster_desk::change(members_change how, reply<json::value> answer, unsigned tries) {
  auto now = members();
  if (auto fits = how(now); !fits)
    return answer(fits.error());
  now.recovery = files_.recovery;
  auto body = now.to_json();
  write(members_document, now.version, body,
        [this, how = std::move(how), answer = std::move(answer), body,
         tries](const result<done_at>& done) {
          if (done)
            return answer(body);
          if (!again(done.error(), tries, [=, this] { change(how, answer, tries - 1); }))
            answer(done.error());
        });
}

void cluster_desk::drain(std::uint64_t node, bool on, reply<json::value> answer) {
  change(
      [node, on](cluster_members& all) -> result<void> {
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

void cluster_desk::remove(std::uint64_t node, reply<json::value> answer) {
  std::set<cluster::node_number> connected{files_.node};
  for (const auto& one : peers_())
    if (one.connected)
      connected.insert(one.address.node);
  change(
      [node, connected](cluster_members& all) -> result<void> {
        if (auto fits = may_leave(all, node, connected); !fits)
          return fits;
        auto to = *all.find(node);
        to.leaving = true;
        all.put(to);
        return {};
      },
      std::move(answer));
}

void cluster_desk::finalize(reply<json::value> answer) {
  std::map<cluster::node_number, std::uint32_t> known{{files_.node, level_}};
  for (const auto& one : peers_())
    if (one.connected)
      known[one.address.node] = one.identity.feature_level;
  const auto to = final_level(members(), known);
  if (!to)
    return answer(to.error());
  const auto stored = engine_->read_document(cluster_collection, features_document);
  const auto before = feature_level();
  json::value out = json::object{{"feature_level", std::max(*to, before)}, {"before", before}};
  if (*to <= before)
    return answer(std::move(out));
  write(features_document, stored ? stored->version : 0, features_json(*to),
        answer_with(std::move(out), std::move(answer)));
}

void cluster_desk::forget_left(const std::vector<raft::partition_status>& status) {
  auto now = members();
  const auto is_out = [&](const cluster_member& one) {
    return one.leaving && std::all_of(status.begin(), status.end(), [&](const auto& partition) {
             return std::none_of(
                 partition.members.begin(), partition.members.end(),
                 [&](const auto& member) { return member.node == one.at.address.node; });
           });
  };
  if (!log_->leads(partition_id{0}).here || std::erase_if(now.all, is_out) == 0)
    return;
  now.recovery = files_.recovery;
  write(members_document, now.version, now.to_json(), ignored());
}

void cluster_desk::begin_features(std::uint32_t level) {
  if (log_->leads(partition_id{0}).here)
    write(features_document, 0, features_json(level), ignored());
}

cluster_files cluster_desk::files() const {
  auto out = files_;
  const std::lock_guard lock(mutex_);
  out.authority_key = authority_key_;
  return out;
}

bool cluster_desk::has_authority() const {
  const std::lock_guard lock(mutex_);
  return !authority_key_.empty();
}

void cluster_desk::fetch_authority(std::function<void(const std::string& key)> keep) {
  for (const auto& one : peers_())
    if (one.connected)
      links_.ask(one.address.node, link_topic::authority, {}, authority_timeout,
                 [this, keep](const result<std::string>& key) {
                   if (!key || !cluster::is_pair({files_.authority_certificate, *key}))
                     return; // it has none, or another
                   {
                     const std::lock_guard lock(mutex_);
                     authority_key_ = *key;
                   }
                   keep(*key);
                 });
}

bool cluster_desk::announce(const cluster_member& self) {
  auto now = members();
  // A node that was removed must not come back by itself.
  if (!now.find(self.at.address.node) && now.version > 0)
    return false;
  if (!now.put(self) && now.recovery == files_.recovery)
    return true;
  now.recovery = files_.recovery;
  write(members_document, now.version, now.to_json(), ignored());
  return false;
}

void cluster_desk::invite(reply<json::value> answer, unsigned tries) {
  if (!has_authority())
    return answer(failure{failure_kind::conflict,
                          "authority_key_missing",
                          "This node cannot let others in yet.",
                          "Try again in a moment, or ask another node.",
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
  write(
      invitations_document, stored ? stored->version : 0, table->to_json(),
      [this, out = std::move(out), answer = std::move(answer), tries](const result<done_at>& done) {
        if (done)
          return answer(out);
        if (!again(done.error(), tries, [=, this] { invite(answer, tries - 1); }))
          answer(done.error());
      });
}

/// The number is taken and the invitation used up, durably, before the guest is told.
void cluster_desk::join(const json::value& body, reply<json::value> answer, unsigned tries) {
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
  const auto self = files();
  const auto let = let_in({self, std::move(known), partitions_, node, release_,
                           std::max(feature_level(), std::uint32_t{1})},
                          *table, *asked, engine_->now());
  // Another node may have given the token a moment ago.
  if (!let && let.error().code == "invitation_unknown" && tries > 0 &&
      later_([=, this] { join(body, answer, tries - 1); }))
    return;
  if (!let)
    return answer(let.error());
  cluster_member guest{{{node, asked->host, asked->port}, asked->http_url}};
  guest.roles = *roles_from(asked->roles);
  guest.release = asked->release;
  guest.feature_level = asked->feature_level;
  const auto put_in = [guest, node](cluster_members& all) -> result<void> {
    if (all.next == node) {
      all.put(guest);
      return {};
    }
    return failure{failure_kind::conflict,
                   "number_taken",
                   "Another node joined at the same time.",
                   "Ask for a new token and join again.",
                   {}};
  };
  write(invitations_document, stored ? stored->version : 0, table->to_json(),
        [this, body, put_in, out = to_json(*let), answer = std::move(answer),
         tries](const result<done_at>& used) {
          if (used)
            return change(put_in, [out, answer](const result<json::value>& done) {
              answer(done ? result<json::value>(out) : result<json::value>(done.error()));
            });
          if (!again(used.error(), tries, [=, this] { join(body, answer, tries - 1); }))
            answer(used.error());
        });
}

} // namespace troupe
