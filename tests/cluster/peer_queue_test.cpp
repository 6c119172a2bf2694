// The queue to one peer: bounds, credit, lanes.
#include "net/cluster/peer_queue.hpp"
#include "net/cluster/wire.hpp"

#include <gtest/gtest.h>

namespace troupe::cluster {
namespace {

constexpr std::size_t kib = 1024;

std::string order_of(const batch& of) {
  std::string out;
  for (const auto& one : of.messages)
    out += one.in == lane::consensus ? 'c' : one.in == lane::request ? 'r' : 'b';
  return out;
}

bool push(peer_queue& to, lane in, std::size_t size) {
  return to.push(in, std::string(size, 'x'));
}

} // namespace

TEST(PeerQueue, TakesEverythingThatWaitsAtOnceInTheOrderOfLanes) {
  peer_queue queue({1024 * kib, 1024 * kib, 64 * kib});
  for (const auto in : {lane::bulk, lane::request, lane::consensus, lane::request})
    EXPECT_TRUE(push(queue, in, 10));
  const auto all = queue.take();
  EXPECT_EQ(order_of(all), "crrb");
  EXPECT_EQ(all.bytes, 4 * (10 + message_header_bytes));
  EXPECT_EQ(queue.unacknowledged_bytes(), all.bytes);
  EXPECT_EQ(queue.queued_bytes(), 0u);
  EXPECT_TRUE(queue.take().messages.empty());
}

TEST(PeerQueue, KeepsOrderWithinALane) {
  peer_queue queue({1024 * kib, 1024 * kib, 64 * kib});
  for (const char c : {'1', '2', '3'})
    EXPECT_TRUE(queue.push(lane::request, std::string(1, c)));
  std::string seen;
  for (const auto& one : queue.take().messages)
    seen += one.bytes;
  EXPECT_EQ(seen, "123");
}

TEST(PeerQueue, IsBounded) {
  peer_queue queue({100 * kib, 1024 * kib, 8 * kib});
  EXPECT_FALSE(push(queue, lane::bulk, 8 * kib + 1)) << "longer than a message may be";
  std::size_t taken = 0;
  while (push(queue, lane::bulk, 1 * kib))
    ++taken;
  EXPECT_GE(taken, 90u);
  EXPECT_LE(queue.queued_bytes(), 100 * kib);
  while (push(queue, lane::bulk, 0)) // empty ones are not free
    ++taken;
  EXPECT_LE(taken, 200u);
  EXPECT_EQ(queue.clear(), taken);
  EXPECT_EQ(queue.queued_bytes(), 0u);
}

TEST(PeerQueue, SendsNoMoreThanTheCredit) {
  peer_queue queue({1024 * kib, 16 * kib, 64 * kib});
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(push(queue, lane::request, 1 * kib));
  std::uint64_t sent = 0;
  for (int round = 0; round < 20; ++round) {
    const auto some = queue.take();
    sent += some.bytes;
    EXPECT_LE(queue.unacknowledged_bytes(), 16 * kib);
    EXPECT_TRUE(queue.take().messages.empty()) << "the credit is used up";
    EXPECT_TRUE(queue.acknowledge(sent));
  }
  EXPECT_EQ(queue.queued_bytes(), 0u);
  EXPECT_EQ(sent, 100 * (1 * kib + message_header_bytes));
}

TEST(PeerQueue, AMessageLongerThanTheCreditGoesAlone) {
  peer_queue queue({1024 * kib, 16 * kib, 64 * kib});
  EXPECT_TRUE(push(queue, lane::consensus, 10));
  EXPECT_TRUE(push(queue, lane::consensus, 60 * kib));
  EXPECT_TRUE(push(queue, lane::request, 10));
  const auto first = queue.take();
  EXPECT_EQ(order_of(first), "c");
  EXPECT_TRUE(queue.take().messages.empty()) << "no lane behind may take its credit";
  EXPECT_TRUE(queue.acknowledge(first.bytes));
  EXPECT_EQ(order_of(queue.take()), "c");
  EXPECT_TRUE(queue.acknowledge(first.bytes + 60 * kib + message_header_bytes));
  EXPECT_EQ(order_of(queue.take()), "r");
}

TEST(PeerQueue, StarvesNoLane) {
  peer_queue queue({64 * 1024 * kib, 64 * 1024 * kib, 1024 * kib});
  for (int i = 0; i < 20; ++i)
    for (const auto in : {lane::consensus, lane::request, lane::bulk})
      EXPECT_TRUE(push(queue, in, 512 * kib));
  for (int i = 0; i < 5; ++i) {
    const auto some = queue.take();
    EXPECT_LE(some.bytes, batch_bytes_max(1024 * kib));
    for (const char which : {'c', 'r', 'b'})
      EXPECT_NE(order_of(some).find(which), std::string::npos) << order_of(some);
  }
}

TEST(PeerQueue, BulkTakesAQuarterOfTheCredit) {
  peer_queue queue({1024 * kib, 64 * kib, 64 * kib});
  for (int i = 0; i < 60; ++i)
    EXPECT_TRUE(push(queue, lane::bulk, 1 * kib));
  const auto bulk = queue.take();
  EXPECT_LE(bulk.bytes, 16 * kib);
  EXPECT_GE(bulk.bytes, 15 * kib);
  EXPECT_TRUE(queue.take().messages.empty());
  EXPECT_TRUE(push(queue, lane::consensus, 10));
  EXPECT_EQ(order_of(queue.take()), "c") << "it does not wait for bulk";
  EXPECT_TRUE(queue.acknowledge(bulk.bytes));
  EXPECT_GE(queue.take().bytes, 15 * kib);
}

TEST(PeerQueue, RefusesFalseAcknowledgements) {
  peer_queue queue({1024 * kib, 64 * kib, 64 * kib});
  EXPECT_TRUE(push(queue, lane::request, 95));
  EXPECT_EQ(queue.take().bytes, 100u);
  EXPECT_FALSE(queue.acknowledge(101));
  EXPECT_TRUE(queue.acknowledge(60)); // part of a batch
  EXPECT_EQ(queue.unacknowledged_bytes(), 40u);
  EXPECT_FALSE(queue.acknowledge(59)) << "backwards";
  EXPECT_TRUE(queue.acknowledge(100));
  EXPECT_EQ(queue.unacknowledged_bytes(), 0u);
}

} // namespace troupe::cluster
