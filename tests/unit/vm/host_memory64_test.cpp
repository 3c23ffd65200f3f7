#include <catch2/catch.hpp>

#include "tests/support/host_fixture.hpp"

using namespace sojourn;
using leases::Errno;
using test::GuestFixture;

namespace {

vm::FunctionType type_of(std::string_view parameters) {
    vm::FunctionType type{{}, {vm::ValueType::i32}};
    for (const char letter : parameters)
        type.parameters.push_back(letter == 'l' ? vm::ValueType::i64 : vm::ValueType::i32);
    return type;
}

/// A guest by hand whose memory has addresses and sizes of 64 bits.
class WideGuest : public GuestFixture {
public:
    /// `types` are the parameters', i or l.
    Errno call(std::string_view name, std::string_view types,
               const std::vector<std::uint64_t>& arguments) {
        const auto function =
            dispatcher->find("wasi_snapshot_preview1", name, type_of(types), vm::ValueType::i64);
        REQUIRE(function);
        std::uint64_t error = 0;
        const auto outcome = dispatcher->call({.function = *function,
                                               .memory = &memory,
                                               .arguments = arguments,
                                               .results = {&error, 1},
                                               .address = vm::ValueType::i64});
        REQUIRE(outcome.kind == vm::HostOutcome::Kind::done);
        return static_cast<Errno>(error);
    }

    void iovec(std::uint64_t index, std::uint64_t address, std::uint64_t length) {
        memory.put(kIovecs + index * 16, address);
        memory.put(kIovecs + index * 16 + 8, length);
    }
    std::uint64_t result() const { return memory.get<std::uint64_t>(kResult); }
    /// What a call must not leave of an older, wider result.
    void dirty_result() { memory.put(kResult, UINT64_MAX); }
};

}  // namespace

TEST_CASE("pointers and sizes of an import have the type of the memory's addresses",
          "[vm][host][memory64]") {
    const GuestFixture guest;
    const auto finds = [&](std::string_view parameters, vm::ValueType address) {
        return guest.dispatcher
            ->find("wasi_snapshot_preview1", "fd_write", type_of(parameters), address)
            .has_value();
    };

    REQUIRE(finds("iiii", vm::ValueType::i32));
    REQUIRE(finds("illl", vm::ValueType::i64));
    REQUIRE_FALSE(finds("illl", vm::ValueType::i32));
    REQUIRE_FALSE(finds("iiii", vm::ValueType::i64));
    REQUIRE_FALSE(finds("llll", vm::ValueType::i64));
}

TEST_CASE("a 64-bit guest writes and reads through buffers of 16 bytes each",
          "[vm][host][memory64]") {
    WideGuest guest;
    guest.memory.put_text(GuestFixture::kBuffer, "hello, world");
    guest.iovec(0, GuestFixture::kBuffer, 7);
    guest.iovec(1, GuestFixture::kBuffer + 7, 5);
    guest.dirty_result();

    REQUIRE(guest.call("fd_write", "illl", {1, GuestFixture::kIovecs, 2, GuestFixture::kResult}) ==
            Errno::success);
    REQUIRE(guest.result() == 12);

    char seen[12];
    REQUIRE(::read(guest.output_far.get(), seen, sizeof seen) == sizeof seen);
    REQUIRE(std::string_view(seen, sizeof seen) == "hello, world");
    REQUIRE(::write(guest.input_far.get(), "abc", 3) == 3);
    guest.dirty_result();
    REQUIRE(guest.call("fd_read", "illl", {0, GuestFixture::kIovecs, 2, GuestFixture::kResult}) ==
            Errno::success);
    REQUIRE(guest.result() == 3);
    REQUIRE(guest.memory.get_text(GuestFixture::kBuffer, 3) == "abc");
}

TEST_CASE("64-bit addresses and lengths that lie outside fault", "[vm][host][memory64]") {
    WideGuest guest;
    const std::uint64_t end = test::BufferRegion::kBytes;
    const auto write_with = [&](std::uint64_t iovecs, std::uint64_t count, std::uint64_t written) {
        return guest.call("fd_write", "illl", {1, iovecs, count, written});
    };
    const auto write_of = [&](std::uint64_t address, std::uint64_t length) {
        guest.iovec(0, address, length);
        return write_with(GuestFixture::kIovecs, 1, GuestFixture::kResult);
    };

    REQUIRE(write_of(end, 1) == Errno::fault);
    REQUIRE(write_of(UINT64_MAX, 2) == Errno::fault);
    REQUIRE(write_of(std::uint64_t{1} << 32U, 1) == Errno::fault);
    REQUIRE(write_of(0, UINT64_MAX) == Errno::fault);
    guest.iovec(0, 0, 1);
    REQUIRE(write_with(GuestFixture::kIovecs, 1, end - 7) == Errno::fault);
    REQUIRE(write_with(end - 15, 1, GuestFixture::kResult) == Errno::fault);
    REQUIRE(write_with(0, std::uint64_t{1} << 60U, GuestFixture::kResult) == Errno::fault);
    REQUIRE(guest.call("random_get", "ll", {1, UINT64_MAX}) == Errno::fault);
}

TEST_CASE("a 64-bit guest gets pointers and sizes of 8 bytes", "[vm][host][memory64]") {
    WideGuest guest;

    REQUIRE(guest.call("args_sizes_get", "ll", {100, 108}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint64_t>(100) == 2);
    REQUIRE(guest.memory.get<std::uint64_t>(108) == 23);
    REQUIRE(guest.call("args_get", "ll", {200, 300}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint64_t>(200) == 300);
    REQUIRE(guest.memory.get<std::uint64_t>(208) == 308);
    REQUIRE(guest.memory.get_text(308, 15) == std::string("first argument\0", 15));

    guest.memory.put(100, UINT64_MAX);
    REQUIRE(guest.call("fd_prestat_get", "il", {GuestFixture::kGrant, 100}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint64_t>(100) == 0);
    REQUIRE(guest.memory.get<std::uint64_t>(108) == 5);
    REQUIRE(guest.call("fd_prestat_dir_name", "ill", {GuestFixture::kGrant, 200, 5}) ==
            Errno::success);
    REQUIRE(guest.memory.get_text(200, 5) == "/data");
}

TEST_CASE("a 64-bit guest opens, lists and polls with the layouts that have no size in them",
          "[vm][host][memory64]") {
    WideGuest guest;
    const auto path = guest.path("file");
    guest.dirty_result();

    REQUIRE(guest.call("path_open", "iillillil",
                       {GuestFixture::kGrant, 1, path, 4, 1, GuestFixture::kWrite,
                        GuestFixture::kAllRights, 0, GuestFixture::kResult}) == Errno::success);
    REQUIRE(guest.memory.get<std::uint32_t>(GuestFixture::kResult) == 4);

    guest.dirty_result();
    REQUIRE(guest.call("fd_readdir", "illll",
                       {GuestFixture::kGrant, GuestFixture::kBuffer, 1000, 0,
                        GuestFixture::kResult}) == Errno::success);
    REQUIRE(guest.result() == 3 * 24 + 1 + 2 + 4);

    constexpr std::uint64_t kZeros = 20'000;  // a subscription to a time that has passed
    guest.dirty_result();
    REQUIRE(guest.call("poll_oneoff", "llll", {kZeros, kZeros + 48, 1, GuestFixture::kResult}) ==
            Errno::success);
    REQUIRE(guest.result() == 1);
}
