#include "vm/exec/code_space.hpp"

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/support/object_builder.hpp"
#include "tests/support/seed.hpp"
#include "vm/exec/gdb_interface.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using sojourn::vm::CodeSpace;
using Place = ObjectBuilder::Place;

namespace {

using Give = std::uint64_t (*)();

std::uint64_t call(Bytes function) {
    return reinterpret_cast<Give>(reinterpret_cast<std::uintptr_t>(function.data()))();
}

ErrorCode refusal_of(const ObjectBuilder& object) {
    CodeSpace space;
    const auto loaded = space.load(object.build());
    REQUIRE_FALSE(loaded.ok());
    return loaded.error().code;
}

/// The rights of every mapping of this process, and of the one that has an address.
struct Mappings {
    explicit Mappings(const void* place) {
        std::ifstream lines("/proc/self/maps");
        for (std::string line; std::getline(lines, line);) {
            std::uint64_t begin = 0;
            std::uint64_t end = 0;
            char dash = 0;
            std::string rights;
            std::istringstream(line) >> std::hex >> begin >> dash >> end >> rights;
            all.push_back(rights);
            const auto address = reinterpret_cast<std::uintptr_t>(place);
            if (begin <= address && address < end) of_place = rights;
        }
    }

    std::vector<std::string> all;
    std::string of_place;
};

}  // namespace

TEST_CASE("code that was loaded can be called, and is never writable and executable at once",
          "[exec][compiled]") {
    CodeSpace space;

    const auto symbols = space.load(answering_object(7));
    REQUIRE(symbols.ok());
    const Bytes entry = symbols->at("entry");
    std::uint64_t slot = 0;
    reinterpret_cast<void (*)(const void*, std::uint64_t*, const void*)>(
        reinterpret_cast<std::uintptr_t>(entry.data()))(nullptr, &slot, nullptr);
    const Mappings mappings(entry.data());

    REQUIRE(slot == 7);
    REQUIRE(mappings.of_place == "r-xp");
    for (const std::string& rights : mappings.all) {
        const bool is_both =
            rights.find('w') != std::string::npos && rights.find('x') != std::string::npos;
        REQUIRE_FALSE(is_both);
    }
}

TEST_CASE("an object for another processor is refused", "[exec][compiled]") {
    ObjectBuilder object({0xc3});
    object.set_machine(EM_S390);
    REQUIRE(refusal_of(object) == ErrorCode::unsupported);
}

TEST_CASE("an object with data that it would write to is refused", "[exec][compiled]") {
    ObjectBuilder object({0xc3}, {1, 2, 3});
    object.set_numbers_flags(SHF_ALLOC | SHF_WRITE);
    REQUIRE(refusal_of(object) == ErrorCode::unsupported);
}

TEST_CASE("whatever bits are turned in an object, it is loaded or refused", "[exec][compiled]") {
    ObjectBuilder object({0xe8, 0, 0, 0, 0, 0xc3}, {1, 2, 3, 4, 5, 6, 7, 8});
    object.add_relocation(1, R_X86_64_PLT32, object.add_symbol("getpid", Place::elsewhere, 0), -4);
    object.add_symbol("entry", Place::code, 0);
    const ByteVector whole = object.build();
    const std::uint32_t seed = first_seed();
    INFO("SOJOURN_SEED=" << seed);
    std::mt19937_64 random(seed);

    for (int round = 0; round < 3000; ++round) {
        ByteVector bytes = whole;
        for (std::uint64_t turned = random() % 3; turned-- > 0;)
            bytes[random() % bytes.size()] ^= std::byte{1} << (random() % 8);
        bytes.resize(bytes.size() - (random() % 4 == 0 ? random() % bytes.size() : 0));
        CodeSpace space;
        static_cast<void>(space.load(bytes));
    }
}

#if defined(__x86_64__)

TEST_CASE("code finds its own numbers, its own functions and those of the host process",
          "[exec][compiled]") {
    // mov numbers(%rip), %rax; ret; call first; ret; jmp getpid@PLT; call *getpid@GOTPCREL(%rip);
    // ret
    ObjectBuilder object({0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xc3, 0xe8, 0,    0, 0, 0, 0xc3, 0xe9,
                          0,    0,    0,    0, 0, 0, 0, 0,    0xff, 0x15, 0, 0, 0, 0,    0xc3},
                         {0, 0, 0, 0, 0, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde, 0, 0, 0, 0});
    const std::uint32_t numbers = object.add_symbol("numbers", Place::numbers, 4);
    const std::uint32_t first = object.add_symbol("first", Place::code, 0);
    object.add_symbol("second", Place::code, 8);
    object.add_symbol("third", Place::code, 14);
    object.add_symbol("fourth", Place::code, 23);
    const std::uint32_t imported = object.add_symbol("getpid", Place::elsewhere, 0);
    object.add_relocation(3, R_X86_64_PC32, numbers, 0);
    object.add_relocation(9, R_X86_64_PLT32, first, -4);
    object.add_relocation(15, R_X86_64_PLT32, imported, -4);
    object.add_relocation(25, R_X86_64_GOTPCRELX, imported, -4);
    CodeSpace space;

    const auto symbols = space.load(object.build());
    REQUIRE(symbols.ok());

    REQUIRE(call(symbols->at("first")) == 0xdeadbeef);
    REQUIRE(call(symbols->at("second")) == 0xdeadbeef);
    REQUIRE(static_cast<pid_t>(call(symbols->at("third"))) == ::getpid());
    REQUIRE(symbols->size() == 4);
}

TEST_CASE("an object that has an address of its own in it is refused", "[exec][compiled]") {
    ObjectBuilder object({0, 0, 0, 0, 0, 0, 0, 0, 0xc3});
    object.add_relocation(0, R_X86_64_64, object.add_symbol("first", Place::code, 8), 0);
    REQUIRE(refusal_of(object) == ErrorCode::unsupported);
}

TEST_CASE("an object that calls what this host process has not is refused by its name",
          "[exec][compiled]") {
    ObjectBuilder object({0xe8, 0, 0, 0, 0, 0xc3});
    object.add_relocation(1, R_X86_64_PLT32,
                          object.add_symbol("no_such_function", Place::elsewhere, 0), -4);
    CodeSpace space;

    const auto loaded = space.load(object.build());

    REQUIRE(loaded.error().message.find("no_such_function") != std::string::npos);
}

TEST_CASE("debuggers and profilers are told whose code lies where", "[exec][compiled]") {
    const std::string map = fmt::format("/tmp/perf-{}.map", ::getpid());
    {
        CodeSpace space;
        space.tell_names();
        const auto symbols = space.load(answering_object(7), "answer");
        REQUIRE(symbols.ok());

        const jit_code_entry* const told = __jit_debug_descriptor.first_entry;
        REQUIRE(told != nullptr);
        const std::string_view object(told->symfile_addr, told->symfile_size);
        REQUIRE(object.find("answer entry") != std::string_view::npos);
        std::ostringstream lines;
        lines << std::ifstream(map).rdbuf();
        const auto address = reinterpret_cast<std::uintptr_t>(symbols->at("entry").data());
        REQUIRE(lines.str().find(fmt::format("{:x} ", address)) != std::string::npos);
        REQUIRE(lines.str().find(" answer entry\n") != std::string::npos);
    }

    REQUIRE(__jit_debug_descriptor.first_entry == nullptr);
    std::filesystem::remove(map);
}

#endif
