#include "node-config/membership.hpp"

#include "runtime/base/prng.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <random>

namespace troupe {
namespace {

const instant now = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());

/// A cluster with one open invitation, and a guest that has its token.
struct meeting {
  meeting() {
    first = *found_cluster("10.0.0.1", 7071, now);
    const auto secret = *cluster::new_secret();
    EXPECT_TRUE(table.add(secret, now));
    auto made = *cluster::make_request({}, 0);
    guest = {
        {*cluster::fingerprint(first.authority_certificate), secret}, made.key, "10.0.0.2", 7072};
    asked = {secret, made.request, guest.host, guest.port, "http://10.0.0.2:7070"};
  }

  result<join_answer> ask(cluster::node_number as = 2) {
    const std::vector<cluster_peer> members{{{1, "10.0.0.1", 7071}, "http://10.0.0.1:7070"},
                                            {{2, "10.0.0.2", 7072}, "http://10.0.0.2:7070"}};
    return let_in({first, members, 16, as}, table, asked, now);
  }

  cluster_files first;
  invitations table;
  joining_node guest;
  join_request asked;
};

json::value over_the_wire(const json::value& what) {
  return *json::parse(json::write(what));
}

} // namespace

TEST(Membership, AClusterBeginsWithNodeOne) {
  const auto made = found_cluster("10.0.0.1", 7071, now);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->node, 1u);
  EXPECT_TRUE(check_cluster_files(*made));
  EXPECT_FALSE(made->authority_key.empty());
  EXPECT_NE(made->cluster_id, found_cluster("10.0.0.1", 7071, now)->cluster_id);
  EXPECT_EQ(cluster::facts_of(made->certificate)->not_after,
            cluster::facts_of(made->authority_certificate)->not_after);
  EXPECT_EQ(found_cluster("0.0.0.0", 7071, now).error().code, "address_invalid");
  EXPECT_EQ(found_cluster("a", 0, now).error().code, "address_invalid");
}

TEST(Membership, AGuestIsLetInOverTheWire) {
  meeting m;
  const auto asked = join_request_from(over_the_wire(to_json(m.asked)));
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->http_url, m.asked.http_url);
  EXPECT_EQ(asked->port, 7072);
  m.asked = *asked;
  const auto given = m.ask();
  ASSERT_TRUE(given) << given.error().message;
  const auto answer = join_answer_from(over_the_wire(to_json(*given)));
  ASSERT_TRUE(answer) << answer.error().message;
  const auto files = accept_answer(m.guest, *answer);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->cluster_id, m.first.cluster_id);
  EXPECT_EQ(files->node, 2u);
  EXPECT_EQ(files->port, 7072);
  EXPECT_TRUE(files->authority_key.empty());
  ASSERT_EQ(files->peers.size(), 1u); // not itself
  EXPECT_EQ(files->peers[0].address.node, 1u);
  EXPECT_EQ(json::write(to_json(*given)).find("PRIVATE"), std::string::npos);
}

TEST(Membership, ATokenLetsOneIn) {
  meeting m;
  ASSERT_TRUE(m.ask(2));
  EXPECT_EQ(m.ask(3).error().code, "invitation_used");
}

TEST(Membership, ABadRequestCostsNoToken) {
  meeting m;
  const auto good = m.asked.request;
  m.asked.request = "x";
  EXPECT_EQ(m.ask().error().code, "request_invalid");
  m.asked.request = good;
  m.asked.secret[0] = m.asked.secret[0] == 'a' ? 'b' : 'a';
  EXPECT_EQ(m.ask().error().code, "invitation_unknown");
  m.asked.secret = m.guest.token.secret;
  EXPECT_TRUE(m.ask());
}

TEST(Membership, OnlyWithTheAuthoritysKey) {
  meeting m;
  m.first.authority_key.clear();
  EXPECT_EQ(m.ask().error().code, "authority_key_missing");
  EXPECT_EQ(m.table.open(now), 1u);
}

TEST(Membership, AnAnswerOfSomebodyElseIsNotBelieved) {
  meeting m, stranger;
  const auto answer = *m.ask();
  ASSERT_TRUE(accept_answer(m.guest, answer));
  const auto code = [&](const std::function<void(join_answer&)>& change) {
    auto changed = answer;
    change(changed);
    const auto files = accept_answer(m.guest, changed);
    return files ? std::string{} : files.error().code;
  };
  EXPECT_EQ(code([&](auto& a) { a.authority = stranger.first.authority_certificate; }),
            "authority_mismatch");
  EXPECT_EQ(code([&](auto& a) { a.authority = "x"; }), "authority_mismatch");
  EXPECT_EQ(code([&](auto& a) { a.certificate = m.first.certificate; }), "certificate_invalid");
  EXPECT_EQ(code([&](auto& a) { a.node = 3; }), "certificate_invalid");
  EXPECT_EQ(code([&](auto& a) { a.cluster_id = stranger.first.cluster_id; }),
            "certificate_invalid");
  stranger.asked.request = m.asked.request;
  EXPECT_EQ(code([&](auto& a) { a = *stranger.ask(); }), "authority_mismatch");
}

TEST(Membership, WhatAMessageNeedsMustBeThere) {
  meeting m;
  const auto asked = to_json(m.asked), answer = to_json(*m.ask());
  for (const auto* key : {"secret", "request", "cluster_address"}) {
    auto changed = asked;
    changed.get_object()[key] = -1;
    EXPECT_FALSE(join_request_from(changed)) << key;
    changed.get_object().erase(key);
    EXPECT_FALSE(join_request_from(changed)) << key;
  }
  for (const auto* key : {"cluster_id", "node", "partitions", "authority", "certificate"}) {
    auto changed = answer;
    changed.get_object()[key] = -1;
    EXPECT_FALSE(join_answer_from(changed)) << key;
    changed.get_object().erase(key);
    EXPECT_FALSE(join_answer_from(changed)) << key;
  }
  auto changed = asked;
  changed.get_object()["http_url"] = "file:///";
  EXPECT_FALSE(join_request_from(changed));
  EXPECT_FALSE(join_request_from(json::value(1)));
  EXPECT_FALSE(join_answer_from(json::value(nullptr)));
}

TEST(Membership, DamagedMessagesNeverCrash) {
  meeting m;
  const char* given = std::getenv("TROUPE_SEED");
  const auto seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("TROUPE_SEED=" + std::to_string(seed));
  prng random{seed};
  for (const auto& text : {json::write(to_json(m.asked)), json::write(to_json(*m.ask()))})
    for (int i = 0; i < 2'000; ++i) {
      auto damaged = text;
      damaged[random.below(damaged.size())] = static_cast<char>(random.next());
      const auto parsed = json::parse(damaged);
      if (!parsed)
        continue;
      static_cast<void>(join_request_from(*parsed));
      if (const auto answer = join_answer_from(*parsed))
        if (const auto files = accept_answer(m.guest, *answer)) {
          EXPECT_TRUE(check_cluster_files(*files));
        }
    }
}

TEST(Membership, ReleasesThatDoNotFitAreToldAtTheDoor) {
  meeting m;
  m.asked.release = release_newest + 2;
  EXPECT_EQ(m.ask().error().code, "release_unfit");
  m.asked.release = release_newest;
  m.asked.feature_level = 0;
  const auto behind = m.ask();
  EXPECT_EQ(behind.error().code, "release_unfit");
  EXPECT_NE(behind.error().message.find("at feature level 1"), std::string::npos);
  m.asked.feature_level = feature_level_newest + 1;
  m.asked.release = release_newest + 1;
  EXPECT_TRUE(m.ask()) << "the token was not used up";
}

TEST(Membership, RecoveredAloneItIsTheSameClusterWithAMark) {
  meeting m;
  const auto with_key = recovered_alone(m.first);
  ASSERT_TRUE(with_key);
  EXPECT_EQ(with_key->recovery, 1u);
  EXPECT_EQ(with_key->authority_certificate, m.first.authority_certificate);
  EXPECT_EQ(recovered_alone(*with_key)->recovery, 2u);

  const auto second = *accept_answer(m.guest, *m.ask());
  const auto alone = recovered_alone(second);
  ASSERT_TRUE(alone);
  EXPECT_TRUE(check_cluster_files(*alone)) << "its certificate stays good";
  EXPECT_EQ(alone->node, 2u);
  EXPECT_EQ(alone->cluster_id, m.first.cluster_id);
  EXPECT_TRUE(alone->peers.empty());
  EXPECT_EQ(alone->port, second.port);
  EXPECT_FALSE(alone->authority_key.empty());

  // Others join it by its new authority, and trust both.
  meeting later;
  later.first = *alone;
  later.guest.token.authority_fingerprint = *cluster::fingerprint(alone->authority_certificate);
  const auto third = accept_answer(later.guest, *later.ask(3));
  ASSERT_TRUE(third) << third.error().message;
  EXPECT_EQ(third->recovery, 1u);
  EXPECT_TRUE(
      cluster::check_certificate(third->authority_certificate, alone->certificate, alone->key));
  EXPECT_TRUE(
      cluster::check_certificate(third->authority_certificate, third->certificate, third->key));
  EXPECT_FALSE(
      cluster::check_certificate(m.first.authority_certificate, third->certificate, third->key));
}

} // namespace troupe
