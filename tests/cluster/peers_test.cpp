// Nodes over real sockets: messages in order, restarts, refusals in words, peers that hang.
#include "tests/cluster/network_fixture.hpp"

#include <filesystem>
#include <random>
#include <thread>

namespace troupe::test {
namespace {

struct pair_of_nodes {
  explicit pair_of_nodes(const std::function<void(cluster::peers_options&)>& change = {}) {
    for (const node_number number : {1u, 2u}) {
      auto options = options_of(files.of(number), number);
      if (change)
        change(options);
      (number == 1 ? one : two) = std::make_unique<node>(std::move(options));
    }
    introduce();
  }
  void introduce() {
    one->net->set({at(1, *one), at(2, *two)});
    two->net->set({at(1, *one), at(2, *two)});
  }
  bool linked() const { return test::linked(*one, 1, *two, 2); }

  credentials files;
  std::unique_ptr<node> one, two;
};

std::string joined(const std::vector<recorder::message>& messages, lane in, node_number from) {
  std::string out;
  for (const auto& message : messages)
    if (message.in == in && message.from == from)
      out += message.bytes;
  return out;
}

} // namespace

TEST(Peers, ExchangeMessagesInOrderBothWays) {
  pair_of_nodes nodes;
  ASSERT_TRUE(nodes.linked());
  EXPECT_TRUE(eventually([&] { return nodes.one->events.trace() == "u2"; }));
  EXPECT_EQ(nodes.one->status(2).identity.http_url, "http://node-2");
  EXPECT_EQ(nodes.two->status(1).identity.incarnation, "first-1");

  std::string expected[3];
  constexpr int messages = 3'000;
  for (int i = 0; i < messages; ++i)
    for (const auto in : {lane::consensus, lane::request, lane::bulk}) {
      const auto text = std::to_string(i) + (i % 50 == 0 ? std::string(2'000, '.') : "") + " ";
      expected[static_cast<int>(in) - 1] += text;
      ASSERT_TRUE(nodes.one->net->send(2, in, text));
      ASSERT_TRUE(nodes.two->net->send(1, in, text));
    }
  for (auto* const to : {nodes.one.get(), nodes.two.get()}) {
    ASSERT_TRUE(eventually([&] { return to->events.messages().size() == 3 * messages; }));
    const auto all = to->events.messages();
    for (const auto in : {lane::consensus, lane::request, lane::bulk})
      EXPECT_EQ(joined(all, in, to == nodes.one.get() ? 2 : 1), expected[static_cast<int>(in) - 1]);
  }
  EXPECT_TRUE(eventually([&] { return nodes.one->status(2).unacknowledged_bytes == 0; }));
  const auto status = nodes.one->status(2);
  EXPECT_EQ(status.sent_messages, 3u * messages);
  EXPECT_EQ(status.sent_bytes, nodes.two->status(1).received_bytes);
  EXPECT_EQ(status.dropped_messages, 0u);
  EXPECT_EQ(status.queued_bytes, 0u);
  EXPECT_FALSE(nodes.one->net->send(3, lane::request, "x")) << "nobody";
  EXPECT_FALSE(nodes.one->net->send(1, lane::request, "x")) << "itself";
}

TEST(Peers, ThreeOfThem) {
  credentials files;
  std::vector<std::unique_ptr<node>> nodes;
  std::vector<cluster::peer_address> addresses;
  for (node_number number = 1; number <= 3; ++number) {
    nodes.push_back(std::make_unique<node>(options_of(files.of(number), number)));
    addresses.push_back(at(number, *nodes.back()));
  }
  addresses[1].host = "localhost"; // a name
  for (auto& one : nodes)
    one->net->set(addresses);
  for (node_number a = 1; a <= 3; ++a)
    for (node_number b = a + 1; b <= 3; ++b)
      ASSERT_TRUE(linked(*nodes[a - 1], a, *nodes[b - 1], b)) << a << " " << b;
  for (node_number a = 1; a <= 3; ++a)
    for (node_number b = 1; b <= 3; ++b)
      EXPECT_EQ(nodes[a - 1]->net->send(b, lane::request, std::to_string(a)), a != b);
  for (auto& one : nodes)
    EXPECT_TRUE(eventually([&] { return one->events.messages().size() == 2; }));
  // One that is no longer wanted goes, the others stay.
  nodes[0]->net->set({addresses[0], addresses[1]});
  EXPECT_TRUE(eventually([&] { return nodes[0]->events.count("d3") == 1; }));
  EXPECT_FALSE(nodes[0]->net->send(3, lane::request, "x"));
  EXPECT_TRUE(eventually([&] { return nodes[2]->refused(1, "is not among the nodes"); }));
  EXPECT_TRUE(nodes[0]->connected(2));
  EXPECT_TRUE(nodes[1]->connected(3));
  EXPECT_EQ(nodes[1]->events.count("d"), 0);
}

TEST(Peers, CarryMessagesOfEverySizeUpToTheLimit) {
  pair_of_nodes nodes([](auto& options) { options.message_bytes_max = 3u << 20; });
  ASSERT_TRUE(nodes.linked());
  std::size_t sent = 0;
  for (const std::size_t size : {0u, 1u, 16'383u, 16'384u, 100'000u, 1u << 20, 3u << 20}) {
    EXPECT_TRUE(nodes.one->net->send(2, lane::bulk, std::string(size, 'x'))) << size;
    ++sent;
  }
  EXPECT_FALSE(nodes.one->net->send(2, lane::bulk, std::string((3u << 20) + 1, 'x')));
  ASSERT_TRUE(eventually([&] { return nodes.two->events.messages().size() == sent; }));
  EXPECT_EQ(nodes.two->events.messages().back().bytes, std::string(3u << 20, 'x'));
  EXPECT_EQ(nodes.one->status(2).dropped_messages, 1u);
}

TEST(Peers, ConnectAgainAfterARestartOnTheSamePort) {
  pair_of_nodes nodes;
  ASSERT_TRUE(nodes.linked());
  // The lower number does not dial itself: it knocks.
  for (const node_number number : {1u, 2u}) {
    auto& restarted = number == 1 ? nodes.one : nodes.two;
    auto& stays = number == 1 ? nodes.two : nodes.one;
    const auto port = restarted->net->port();
    const auto downs = stays->events.count("d");
    restarted.reset();
    ASSERT_TRUE(eventually([&] { return stays->events.count("d") == downs + 1; }));
    EXPECT_FALSE(stays->net->send(number, lane::consensus, "lost"));
    auto options = options_of(nodes.files.of(number), number);
    options.port = port;
    options.self.incarnation = "second";
    restarted = std::make_unique<node>(std::move(options));
    restarted->net->set({at(1, *nodes.one), at(2, *nodes.two)});
    ASSERT_TRUE(nodes.linked());
    EXPECT_EQ(stays->status(number).identity.incarnation, "second");
    ASSERT_TRUE(stays->net->send(number, lane::consensus, "again"));
    ASSERT_TRUE(eventually([&] { return restarted->events.messages().size() == 1; }));
    EXPECT_EQ(restarted->events.messages()[0].bytes, "again");
    EXPECT_EQ(stays->status(number).refused, "");
  }
}

TEST(Peers, SayWhyTheyRefuseEachOther) {
  struct row {
    const char* what;
    std::function<void(cluster::peers_options&)> change; ///< of node 2
    std::string words;
  };
  const row rows[] = {
      {"another cluster", [](auto& o) { o.self.cluster_id = "other"; }, "The clusters differ"},
      {"too old a release", [](auto& o) { o.self.release = 3; }, "Releases"},
      {"another number than its certificate's", [](auto& o) { o.self.node = 7; },
       "shows the certificate of node"},
  };
  for (const auto& one : rows) {
    SCOPED_TRACE(one.what);
    credentials files;
    const node first(options_of(files.of(1), 1));
    auto options = options_of(files.of(2), 2);
    one.change(options);
    const node second(std::move(options));
    first.net->set({at(2, second)});
    second.net->set({at(1, first)});
    EXPECT_TRUE(eventually([&] { return first.refused(2, one.words); })) << first.status(2).refused;
    EXPECT_TRUE(eventually([&] { return second.refused(1, one.words); }))
        << second.status(1).refused;
    EXPECT_EQ(first.events.trace() + second.events.trace(), "");
  }
  credentials files;
  const node first(options_of(files.of(1), 1));
  const node second(options_of(files.of(2), 2));
  first.net->set({at(3, second)}); // a wrong number for an address
  second.net->set({at(1, first)});
  EXPECT_TRUE(eventually([&] {
    return first.refused(3, "At the address of node 3 there is node 2") &&
           second.refused(1, "is not among the nodes");
  }));
}

TEST(Peers, ACopiedDataDirectoryIsRefusedWhileTheFirstProcessLives) {
  pair_of_nodes nodes;
  ASSERT_TRUE(nodes.linked());
  for (const node_number number : {1u, 2u}) {
    const auto& other = number == 1 ? nodes.two : nodes.one;
    auto options = options_of(nodes.files.of(number), number);
    options.self.incarnation = "copy";
    const node copy(std::move(options));
    copy.net->set({at(3 - number, *other), at(number, copy)});
    EXPECT_TRUE(eventually([&] {
      return copy.refused(3 - number, "was a data directory copied?");
    })) << copy.status(3 - number).refused;
    EXPECT_EQ(copy.events.trace(), "");
    // What the other node is told to be at the copy's address is the copy: two of one number.
    EXPECT_TRUE(nodes.one->connected(2));
    EXPECT_EQ(other->events.count("d"), 0);
  }
}

TEST(Peers, ANodeThatMeetsItsOwnNumberElsewhereSaysSo) {
  credentials files;
  const node first(options_of(files.of(1), 1));
  auto options = options_of(files.of(1), 1);
  options.self.incarnation = "copy";
  const node copy(std::move(options));
  first.net->set({at(2, copy)});
  EXPECT_TRUE(eventually([&] { return first.refused(2, "Two processes are node 1"); }));
}

TEST(Peers, SayWhatIsWrongWithTheFiles) {
  credentials files, others;
  const auto good = files.of(1), other = others.of(1);
  const auto garbage = files.write(files.folder() + "/garbage.pem", "garbage");
  const auto missing = files.folder() + "/missing.pem";
  struct row {
    credential_files files;
    std::string words;
  };
  const row rows[] = {
      {{"", good.certificate, good.key}, "authority file is not given"},
      {{good.authority, "", good.key}, "certificate file is not given"},
      {{good.authority, good.certificate, ""}, "key file is not given"},
      {{missing, good.certificate, good.key}, "authority file \"missing.pem\""},
      {{garbage, good.certificate, good.key}, "authority file \"garbage.pem\""},
      {{good.authority, missing, good.key}, "certificate file \"missing.pem\""},
      {{good.authority, garbage, good.key}, "certificate file \"garbage.pem\""},
      {{good.authority, good.certificate, missing}, "key file \"missing.pem\""},
      {{good.authority, good.certificate, garbage}, "key file \"garbage.pem\""},
      {{good.authority, good.certificate, other.key}, "key file"},
  };
  recorder events;
  for (const auto& one : rows) {
    const auto started = cluster::start_peers(options_of(one.files, 1), events);
    ASSERT_FALSE(started) << one.words;
    EXPECT_EQ(started.error().code, "cluster_tls_failed");
    EXPECT_EQ(started.error().kind, failure_kind::unavailable);
    EXPECT_NE(started.error().message.find(one.words), std::string::npos)
        << started.error().message;
  }
  const node first(options_of(good, 1));
  auto options = options_of(good, 1);
  options.port = first.net->port();
  const auto started = cluster::start_peers(options, events);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, "bind_failed") << started.error().message;
}

TEST(Peers, EndQuicklyWhileBusy) {
  pair_of_nodes nodes;
  ASSERT_TRUE(nodes.linked());
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop)
      nodes.one->net->send(2, lane::bulk, std::string(10'000, 'x'));
  });
  EXPECT_TRUE(eventually([&] { return nodes.two->status(1).received_bytes > 1'000'000; }));
  const auto before = std::chrono::steady_clock::now();
  nodes.two.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
  EXPECT_TRUE(eventually([&] { return nodes.one->events.count("d2") == 1; }));
  stop = true;
  busy.join();
  EXPECT_GT(nodes.one->status(2).dropped_messages, 0u);
  nodes.one->net->set({at(2, 1), {3, "192.0.2.1", 9}, {4, "no-such-host.invalid", 9}});
  const auto again = std::chrono::steady_clock::now();
  nodes.one.reset(); // while it dials into nowhere
  EXPECT_LT(std::chrono::steady_clock::now() - again, 1s);
}

TEST(Peers, LeaveNoFileDescriptorBehind) {
  const auto open_files = [] {
    const std::filesystem::directory_iterator files("/proc/self/fd");
    return std::distance(begin(files), end(files));
  };
  credentials files;
  const auto first_files = files.of(1), second_files = files.of(2);
  const auto before = open_files();
  for (int round = 0; round < 10; ++round) {
    { const node ends_at_once(options_of(first_files, 1)); }
    const node first(options_of(first_files, 1)), second(options_of(second_files, 2));
    for (int i = 0; i < 20; ++i) { // dialled and given up in the same moment
      second.net->set({at(1, first)});
      if (i % 3 == round % 3)
        std::this_thread::sleep_for(1ms);
      second.net->set({});
    }
    std::vector<raw_socket> strangers;
    for (int i = 0; i < 100; ++i)
      strangers.push_back(raw_socket::to_port(first.net->port()));
  }
  EXPECT_EQ(open_files(), before);
}

} // namespace troupe::test
