#include "process/reference.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;
using namespace sojourn::process;

TEST_CASE("a name alone refers to a process", "[process]") {
    const auto reference = Reference::parse("job");

    REQUIRE(reference->process == "job");
    REQUIRE(reference->checkpoint.empty());
}

TEST_CASE("a number behind an at sign refers to a checkpoint", "[process]") {
    const auto reference = Reference::parse("job@18446744073709551615");

    REQUIRE(reference->process == "job");
    REQUIRE(reference->checkpoint == "18446744073709551615");
}

TEST_CASE("a word behind an at sign refers to a tag", "[process]") {
    REQUIRE(Reference::parse("job@before-merge_1.2")->checkpoint == "before-merge_1.2");
}

TEST_CASE("what is neither a number nor a tag is refused with the verb that lists them",
          "[process]") {
    for (const char* text :
         {"job@", "job@0", "job@-1", "job@7x", "job@18446744073709551616", "job@a..b", "job@a b"}) {
        const auto reference = Reference::parse(text);
        INFO(text);
        REQUIRE_FALSE(reference.ok());
        REQUIRE(reference.error().code == ErrorCode::invalid_argument);
        REQUIRE(reference.error().message.find("vm log job") != std::string::npos);
    }
}

TEST_CASE("a reference without a name is refused", "[process]") {
    REQUIRE_FALSE(Reference::parse("").ok());
    REQUIRE_FALSE(Reference::parse("@3").ok());
}

TEST_CASE("names are words that can't be mistaken for anything else", "[process]") {
    for (const char* name : {"a", "job-1", "Job_2.b", "7"}) {
        INFO(name);
        REQUIRE(check_name(name).ok());
    }
    for (const char* name :
         {"", "-job", "a@b", "a b", "a/b", "..", "0123456789abcdef0123456789abcdef"}) {
        INFO(name);
        REQUIRE_FALSE(check_name(name).ok());
    }
    REQUIRE_FALSE(check_name(std::string(65, 'a')).ok());
}

TEST_CASE("a name that is not there is answered with those that come near", "[process][store]") {
    SystemRandom random;
    auto store = store::Store::open("mem:", {}, random).value();
    REQUIRE(store->create_process({.name = "ledger", .generation = 0}).ok());
    REQUIRE(store->create_process({.name = "clock", .generation = 0}).ok());

    const auto found = find(*store, "leger");

    REQUIRE(found.error().code == ErrorCode::not_found);
    REQUIRE(found.error().message.find("ledger") != std::string::npos);
    REQUIRE(found.error().message.find("clock") == std::string::npos);
}
