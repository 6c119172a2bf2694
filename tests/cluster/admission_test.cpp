// Whom a node lets in, and why not.
#include "net/cluster/admission.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace troupe::cluster {
namespace {

struct case_of {
  peer_identity self{"c", 1, "self", "0.2.0", 5, 1, ""};
  hello said{wire_version, {"c", 2, "other", "0.2.0", 5, 1, ""}};
  hello_circumstances in{std::nullopt, node_number{2}, true, std::nullopt};
};

} // namespace

TEST(Admission, SaysWhyInWords) {
  struct row {
    std::function<void(case_of&)> change;
    std::string expected; ///< in the words; empty: welcome
  };
  const row rows[] = {
      {[](case_of&) {}, ""},
      {[](case_of& c) { c.said.who.release = 4; }, ""},
      {[](case_of& c) { c.said.who.release = 6; }, ""},
      {[](case_of& c) { c.in.certificate.reset(); }, ""},
      {[](case_of& c) { c.in.dialled = 2; }, ""},
      {[](case_of& c) { c.in.linked_incarnation = "other"; }, ""},
      {[](case_of& c) { c.said.version = 9; }, "protocol differ: 9 and 1"},
      {[](case_of& c) { c.said.who.cluster_id = "d"; }, "clusters differ: \"d\" and \"c\""},
      {[](case_of& c) { c.said.who.release = 3; }, "Releases 3 and 5"},
      {[](case_of& c) { c.said.who.release = 7; }, "Releases 7 and 5"},
      {[](case_of& c) { c.said.who.release = 0xffff'ffff; }, "Releases 4294967295 and 5"},
      {[](case_of& c) { c.said.who.node = 0; }, "0 is no node number"},
      {[](case_of& c) { c.in.certificate = 3; }, "Node 2 shows the certificate of node 3"},
      {[](case_of& c) { c.said.who.node = 1, c.in.certificate = 1; }, "Two processes are node 1"},
      {[](case_of& c) {
         c.said.who.node = 1, c.in.certificate = 1, c.said.who.incarnation = "self";
       },
       "own address"},
      {[](case_of& c) { c.in.dialled = 4; }, "At the address of node 4 there is node 2"},
      {[](case_of& c) { c.in.known = false; }, "Node 2 is not among the nodes"},
      {[](case_of& c) { c.in.linked_incarnation = "third"; },
       "Another process is connected as node 2"},
      {[](case_of& c) {
         c.in.objects = [](const auto& who) { return refusal{"x", "no " + who.version}; };
       },
       "no 0.2.0"},
      {[](case_of& c) { // what a stranger says is not shown to it
         c.in.objects = [](const auto&) -> std::optional<refusal> { return refusal{"x", "no"}; };
         c.in.certificate = 3;
       },
       "Node 2 shows the certificate of node 3"},
  };
  for (const auto& one : rows) {
    case_of c;
    one.change(c);
    const auto why = objection(c.self, c.said, c.in);
    EXPECT_EQ(why.has_value(), !one.expected.empty()) << one.expected << (why ? why->words : "");
    if (why) {
      EXPECT_NE(why->words.find(one.expected), std::string::npos) << why->words;
    }
  }
}

TEST(Admission, ReadsTheNumberInACertificate) {
  EXPECT_EQ(node_of_certificate("node-17"), 17u);
  for (const auto* other :
       {"", "node-", "node-1x", "node--1", "server", "node-99999999999999999999"})
    EXPECT_FALSE(node_of_certificate(other)) << other;
}

} // namespace troupe::cluster
