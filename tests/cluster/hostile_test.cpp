// Strangers at the port, and peers that break the rules or hang: the others go on, memory is
// bounded.
#include "tests/cluster/network_fixture.hpp"

#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

namespace troupe::test {
namespace {

std::size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * 4096;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t resident_growth_max = std::size_t{1}
                                            << 30; // what is freed is kept for a while
#else
constexpr std::size_t resident_growth_max = std::size_t{64} << 20;
#endif

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& of) {
    return static_cast<double>(of.tv_sec) + static_cast<double>(of.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Two nodes that talk to each other; whatever a test does, they must go on.
struct Hostile : testing::Test {
  Hostile() {
    two.net->set({at(1, one)});
    one.net->set({at(2, two), at(9, 1)}); // 9 is the raw peer: nobody listens at its address
    EXPECT_TRUE(linked(one, 1, two, 2));
  }
  void TearDown() override {
    EXPECT_TRUE(one.connected(2));
    EXPECT_EQ(one.events.count("d2"), 0) << one.events.trace();
    EXPECT_EQ(two.events.count("d1"), 0) << two.events.trace();
    const auto before = two.events.messages().size();
    EXPECT_TRUE(one.net->send(2, lane::request, "still here"));
    EXPECT_TRUE(eventually([&] { return two.events.messages().size() > before; }));
  }

  credentials files;
  node one{options_of(files.of(1), 1)}, two{options_of(files.of(2), 2)};
};

/// A raw peer that is linked as node 9.
std::unique_ptr<raw_peer> link_raw(Hostile& with, const credential_files& files,
                                   const std::string& incarnation = "raw") {
  auto out = std::make_unique<raw_peer>(with.one.net->port(), &files);
  out->greet(9, incarnation);
  EXPECT_TRUE(eventually([&] { return with.one.connected(9); }));
  return out;
}

} // namespace

TEST_F(Hostile, StrangersAreRefusedInTheHandshake) {
  credentials other_cluster;
  const auto others = other_cluster.of(2);
  const auto expired = files.of(9, std::chrono::days(-1));
  const auto good = files.of(9);
  EXPECT_FALSE(raw_peer(one.net->port(), nullptr).read()) << "without a certificate";
  EXPECT_FALSE(raw_peer(one.net->port(), &others).read()) << "of another authority";
  EXPECT_FALSE(raw_peer(one.net->port(), &expired).read()) << "expired";
  EXPECT_TRUE(raw_peer(one.net->port(), &good).read()) << "the test itself";

  // Whole nodes see it in words.
  const node stranger(options_of(others, 2));
  stranger.net->set({at(1, one)});
  EXPECT_TRUE(eventually([&] { return stranger.refused(1, "certificate is refused"); }))
      << stranger.status(1).refused;
  const node late(options_of(expired, 9));
  late.net->set({at(1, one)});
  EXPECT_TRUE(eventually([&] { return late.refused(1, "certificate expired"); }))
      << late.status(1).refused;
}

TEST_F(Hostile, GarbageAtThePortHurtsNobody) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  // The header that crashes a plain CAF port: a payload of 4 GiB.
  const std::string caf_header = std::string("\0\0\0\0\xff\xff\xff\xff", 8) + std::string(24, '\0');
  const auto before = resident_bytes();
  for (int i = 0; i < 300; ++i) {
    auto socket = raw_socket::to_port(one.net->port());
    ASSERT_TRUE(socket.connected());
    std::string bytes = i % 3 == 0 ? caf_header : "\x16\x03\x01";
    for (auto size = random() % 3'000; i % 3 != 0 && size > 0; --size)
      bytes += static_cast<char>(random());
    socket.send(bytes);
    if (i % 2 == 0)
      socket.reset();
    else if (i % 3 == 0)
      socket.read_all(200);
  }
  EXPECT_LT(resident_bytes(), before + resident_growth_max);
}

TEST_F(Hostile, SilentStrangersCostNothingAndGo) {
  std::vector<raw_socket> silent;
  for (int i = 0; i < 200; ++i) // many more than connections_max
    silent.push_back(raw_socket::to_port(one.net->port()));
  const auto good = files.of(9);
  { const auto peer = link_raw(*this, good); } // a peer finds its way between them
  const auto before = processor_seconds();
  for (auto& socket : silent)
    EXPECT_TRUE((socket.read_all(3'000), socket.ended())) << "handshake_timeout";
  EXPECT_LT(processor_seconds() - before, 0.4);
}

TEST_F(Hostile, PeersThatBreakTheRulesAreRefusedInWords) {
  const auto good = files.of(9);
  const auto header = [](std::uint32_t size, int kind) {
    std::string out;
    for (int i = 0; i < 4; ++i)
      out += static_cast<char>(size >> (8 * i));
    return out + static_cast<char>(kind);
  };
  struct row {
    std::string bytes, words;
    bool greets = true;
  };
  const std::string too_long =
      header(5 + (2u << 20) + 1, 4) + '\1' + header((2u << 20) + 1, 0).substr(0, 4);
  const row rows[] = {
      {"GET / HTTP/1.1\r\n\r\n", "not understood", false},
      {header(0xffff'ffff, 1), "more at once", false},
      {header(6, 1) + "TRPX\1\2", "hello is damaged", false},
      {header(0, 4), "does not belong here", false},
      {header(0, 2) + header(0, 2), "does not belong here", false},
      {header(0xffff'ffff, 4), "more at once"},
      {header(6, 4) + "\7\1" + std::string(3, '\0') + "x", "damaged batch"},
      {header(0, 1), "does not belong here"},
      {header(8, 5) + std::string(8, '\x7f'), "does not belong here"},
      {header(3, 5) + "abc", "does not belong here"},
      {too_long + std::string((2u << 20) + 1, 'x'), "message of more than 2097152 bytes"},
  };
  for (const auto& one_row : rows) {
    auto peer =
        one_row.greets ? link_raw(*this, good) : std::make_unique<raw_peer>(one.net->port(), &good);
    EXPECT_TRUE(peer->send_text(one_row.bytes));
    EXPECT_NE(peer->read_refusal().find(one_row.words), std::string::npos) << one_row.words;
    EXPECT_TRUE(eventually([&] { return !one.connected(9); })) << one_row.words;
  }
  EXPECT_TRUE(eventually([&] { return one.events.count("d9") == 6; }));
  EXPECT_EQ(one.events.count("u9"), 6);
  EXPECT_EQ(one.events.count("r9"), 0);
}

TEST_F(Hostile, APeerThatNeverAnswersTheHandshakeCostsNothing) {
  const raw_listener hung; // as a stopped process: the kernel takes the connection
  node three(options_of(files.of(3), 3));
  three.net->set({at(9, hung.port())});
  const auto before = processor_seconds();
  EXPECT_TRUE(eventually([&] { return three.refused(9, "did not answer in time"); }));
  EXPECT_LT(processor_seconds() - before, 0.2);
}

TEST_F(Hostile, ALateHelloIsRefused) {
  const auto good = files.of(9);
  raw_peer peer(one.net->port(), &good);
  EXPECT_TRUE(peer.read()); // its hello
  EXPECT_FALSE(peer.read()) << "closed after handshake_timeout";
}

TEST_F(Hostile, APeerThatStopsReadingIsBoundedAndGoesDown) {
  const auto peer = link_raw(*this, files.of(9));
  const cluster::peers_options limits;
  const auto before = resident_bytes();
  std::uint64_t taken = 0, lost = 0;
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (one.connected(9) && std::chrono::steady_clock::now() < until) {
    one.net->send(9, lane::request, std::string(20'000, 'x')) ? ++taken : ++lost;
    const auto status = one.status(9);
    ASSERT_LE(status.queued_bytes, limits.queued_bytes_max);
    ASSERT_LE(status.unacknowledged_bytes, limits.unacknowledged_bytes_max);
  }
  EXPECT_TRUE(eventually([&] { return one.events.count("d9") == 1; }));
  EXPECT_TRUE(one.refused(9, "silent for too long") || one.refused(9, "onnect"));
  EXPECT_GT(lost, 0u);
  EXPECT_LT(taken * 20'000, limits.queued_bytes_max + limits.unacknowledged_bytes_max);
  EXPECT_LT(resident_bytes(), before + resident_growth_max);
  EXPECT_GE(one.status(9).dropped_messages, lost);
  EXPECT_EQ(one.status(9).queued_bytes, 0u);
}

TEST_F(Hostile, APeerThatBeatsButNeverAcknowledgesIsBounded) {
  const auto peer = link_raw(*this, files.of(9));
  cluster::byte_buffer beat;
  cluster::write_plain(beat, cluster::frame_kind::heartbeat);
  const cluster::peers_options limits;
  for (int i = 0; i < 20; ++i) { // longer than silence_max
    ASSERT_TRUE(peer->send(beat));
    for (int k = 0; k < 100; ++k)
      one.net->send(9, lane::consensus, std::string(20'000, 'x'));
    std::this_thread::sleep_for(50ms);
    const auto status = one.status(9);
    ASSERT_TRUE(status.connected) << status.refused;
    ASSERT_LE(status.queued_bytes, limits.queued_bytes_max);
    ASSERT_LE(status.unacknowledged_bytes, limits.unacknowledged_bytes_max);
  }
  EXPECT_GT(one.status(9).dropped_messages, 0u);
}

TEST_F(Hostile, OnlyASilentPeerGivesWayToAnotherIncarnation) {
  const auto good = files.of(9);
  const auto first = link_raw(*this, good, "first");
  {
    raw_peer second(one.net->port(), &good);
    second.greet(9, "second");
    EXPECT_NE(second.read_refusal().find("was a data directory copied?"), std::string::npos);
  }
  // The same process may come again: it knows that its old connection is gone.
  const auto again = std::make_unique<raw_peer>(one.net->port(), &good);
  again->greet(9, "first");
  EXPECT_TRUE(eventually([&] { return one.events.trace().ends_with("u9d9u9"); }))
      << one.events.trace();
  // first and again say nothing from here on.
  EXPECT_TRUE(eventually([&] { return one.events.count("d9") == 2; }));
  const auto third = link_raw(*this, good, "third");
  EXPECT_EQ(one.status(9).identity.incarnation, "third");
}

TEST_F(Hostile, WhoIsObjectedToHearsWhyAndIsLetInLater) {
  std::atomic<bool> removed{true};
  auto strict = options_of(files.of(3), 3);
  strict.objects = [&](const cluster::peer_identity& who) {
    return removed && who.node == 4
               ? std::optional(cluster::refusal{"node_removed", "Node 4 was removed."})
               : std::nullopt;
  };
  node three(strict), four(options_of(files.of(4), 4));
  three.net->set({at(4, four)});
  four.net->set({at(3, three)});
  EXPECT_TRUE(eventually([&] {
    return four.events.refusals().find("3 node_removed: Node 4 was removed.") != std::string::npos;
  }));
  EXPECT_TRUE(four.refused(3, "Node 4 was removed."));
  EXPECT_TRUE(three.refused(4, "Node 4 was removed."));
  removed = false;
  EXPECT_TRUE(linked(three, 3, four, 4));
  removed = true;
  three.net->set({}); // taken off the list while it is connected
  EXPECT_TRUE(eventually([&] { return four.events.count("d3") == 1; }));
  EXPECT_TRUE(four.events.refusals().ends_with("3 node_removed: Node 4 was removed.\n"));
}

TEST_F(Hostile, ReleasesTooFarApartRefuseEachOther) {
  auto newer = options_of(files.of(3), 3), older = options_of(files.of(4), 4);
  newer.self.release = 3;
  node three(newer), four(older);
  three.net->set({at(4, four)});
  four.net->set({at(3, three)});
  EXPECT_TRUE(
      eventually([&] { return three.refused(4, "Releases 1 and 3 do not work together"); }));
  EXPECT_TRUE(eventually([&] { return four.refused(3, "do not work together"); }));
  EXPECT_FALSE(three.connected(4));
}

TEST_F(Hostile, AnOwnStallBlamesNobody) {
  // The loop of three stands still for longer than its silence_max.
  node three(options_of(files.of(3), 3));
  three.events.on_received = [](node_number, lane, const std::string&) {
    std::this_thread::sleep_for(900ms);
  };
  auto patient = options_of(files.of(4), 4);
  patient.silence_max = 5s;
  const node four(patient);
  three.net->set({at(4, four)});
  four.net->set({at(3, three)});
  ASSERT_TRUE(linked(three, 3, four, 4));
  ASSERT_TRUE(four.net->send(3, lane::request, "stand still"));
  EXPECT_TRUE(eventually([&] { return three.status(4).received_bytes > 0; }));
  std::this_thread::sleep_for(600ms);
  EXPECT_EQ(three.events.trace(), "u4");
}

TEST_F(Hostile, TheDestructorDoesNotWaitForAPeerThatHangs) {
  const auto raw_files = files.of(9);
  auto options = options_of(files.of(4), 4);
  options.silence_max = 60s;
  auto four = std::make_unique<node>(std::move(options));
  four->net->set({at(9, 1)});
  raw_peer hangs(four->net->port(), &raw_files);
  hangs.greet(9, "raw");
  ASSERT_TRUE(eventually([&] { return four->connected(9); }));
  while (four->net->send(9, lane::request, std::string(100'000, 'x')))
    ;
  const raw_socket silent = raw_socket::to_port(four->net->port());
  const auto before = std::chrono::steady_clock::now();
  four.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
}

} // namespace troupe::test
