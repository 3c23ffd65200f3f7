#include "process/console_protocol.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;
using namespace sojourn::process;

TEST_CASE("what is typed arrives byte by byte as it was, an end of input too", "[process]") {
    std::string all;
    for (int byte = 0; byte < 256; ++byte)
        all.push_back(static_cast<char>(byte));

    for (const std::string& typed : {all, std::string(), std::string(kTypedBytesMax, 'x')}) {
        const auto message = parse_console_message(encode_console_message({.input = typed}));
        REQUIRE(message.ok());
        CHECK(message->input == typed);
        CHECK_FALSE(message->window);
    }
}

TEST_CASE("a window has at least one column and one row, and no absurd number of them",
          "[process]") {
    CHECK(window_of(80, 24) == leases::WindowSize{80, 24});
    CHECK_FALSE(window_of(0, 24));
    CHECK_FALSE(window_of(80, 0));
    CHECK_FALSE(window_of(10'001, 24));
    CHECK_FALSE(window_of(80, UINT64_MAX));
}

TEST_CASE("what is no message of who is attached is refused", "[process]") {
    const std::string lines[] = {
        "",
        "{",
        "7",
        "[]",
        "{\"input\":1}",
        "{\"input\":\"a\"}",
        "{\"input\":\"zz\"}",
        "{\"input\":\"" + std::string(2 * kTypedBytesMax + 2, 'a') + "\"}"};
    for (const std::string& line : lines) {
        INFO(line.substr(0, 30));
        CHECK(parse_console_message(line).error().code == ErrorCode::invalid_argument);
    }
    CHECK(parse_console_message("{\"unknown\":1}").ok());
    CHECK_FALSE(parse_mode("{\"mode\":\"other\"}").ok());
    CHECK_FALSE(parse_mode("{}").ok());
    CHECK(parse_mode(encode_mode(leases::TerminalMode::raw)).value() == leases::TerminalMode::raw);
}
