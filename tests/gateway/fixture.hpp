// A gateway over a fake engine, asked by a fake client.
#pragma once

#include "actors/gateway/gateway.hpp"
#include "tests/support/fake_engine.hpp"
#include "tests/support/fake_http.hpp"

#include <gtest/gtest.h>

namespace troupe::test {

inline constexpr const char* echo_steps =
    R"({"name":"w","steps":[{"step_id":"a","skill_type":"echo","parameters":{"x":1}}]})";

struct Gateway : ::testing::Test {
  fake_engine engine;
  std::unique_ptr<gateway> made;
  fake_client client;

  void open(gateway_settings settings = {}) {
    made = make_gateway(engine, std::move(settings));
    client.handle = made->handlers();
  }
  std::string new_workflow(std::string body = echo_steps) {
    const auto out = client("POST", "/api/v1/workflows", std::move(body));
    EXPECT_EQ(out.status, 201u) << out.body;
    return text_of(out, "id");
  }
  void SetUp() override { open(); }
};

} // namespace troupe::test
