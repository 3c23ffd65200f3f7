#include "process/stored_code.hpp"

#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "process/code_secret.hpp"
#include "store/store.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using process::StoredCode;

namespace {

constexpr std::uint64_t kHourNs = 3600ULL * 1'000'000'000;

class HandClock final : public Clock {
public:
    std::uint64_t monotonic_ns() const override { return now_ns; }
    std::uint64_t boottime_ns() const override { return now_ns; }
    std::uint64_t realtime_ns() const override { return now_ns; }
    std::uint64_t process_cpu_ns() const override { return now_ns; }

    std::atomic<std::uint64_t> now_ns = 1'000'000 * kHourNs;
};

Sha256 compiler_called(std::string_view name) {
    return sha256_of(as_bytes(name));
}

ByteVector object_of(std::uint32_t begin, std::size_t bytes = 3000) {
    ByteVector object(bytes);
    std::minstd_rand random(begin + 1);
    for (std::byte& byte : object)
        byte = static_cast<std::byte>(random());
    return object;
}

/// A store, and host processes that come to it one after the other.
class CodeFixture {
public:
    CodeFixture() { REQUIRE(store::Store::open(place(), {}, random_).ok()); }

    [[nodiscard]] std::string place() const { return folder_.name() + "/s"; }
    [[nodiscard]] std::filesystem::path database() const { return folder_.path() / "s/code"; }
    [[nodiscard]] const vm::Module& module() const { return *module_; }

    [[nodiscard]] std::unique_ptr<StoredCode> code() const {
        StoredCode::Settings settings;
        settings.store_location = place();
        settings.bytes_max = bytes_max;
        settings.compiler = [name = compiler] { return Result<Sha256>(compiler_called(name)); };
        settings.secret = [text = secret] {
            const Bytes bytes = as_bytes(text);
            return Result<ByteVector>(ByteVector(bytes.begin(), bytes.end()));
        };
        return std::make_unique<StoredCode>(std::move(settings), clock);
    }
    void keep(std::uint32_t begin, std::size_t bytes = 3000) const {
        const auto opened = code();
        opened->keep(module(), begin, object_of(begin, bytes));
        const auto flushed = opened->flush();
        INFO((flushed.ok() ? "" : flushed.error().message));
        REQUIRE(flushed.ok());
    }
    [[nodiscard]] bool is_found(std::uint32_t begin, std::size_t bytes = 3000) const {
        const auto found = code()->find(module(), begin);
        if (found) REQUIRE(*found == object_of(begin, bytes));
        return found.has_value();
    }

    /// As StoredCode has them.
    [[nodiscard]] ByteVector key(std::uint8_t begin) const {
        ByteVector key(module().digest().bytes.begin(), module().digest().bytes.end());
        const Sha256 maker = compiler_called(compiler);
        key.insert(key.end(), maker.bytes.begin(), maker.bytes.end());
        key.insert(key.end(), {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{begin}});
        return key;
    }
    [[nodiscard]] std::unique_ptr<store::CodeDatabase> raw() const {
        return store::CodeDatabase::open(place()).value();
    }

    std::string secret = "mine";
    std::string compiler = "this build on this processor";
    std::uint64_t bytes_max = process::kCodeCacheBytesDefault;
    HandClock clock;

private:
    TemporaryFolder folder_;
    SystemRandom random_;
    std::shared_ptr<const vm::Module> module_ = [] {
        const std::string_view empty("\0asm\1\0\0\0", 8);
        return vm::load_module({as_bytes(empty).begin(), as_bytes(empty).end()}).value();
    }();
};

}  // namespace

TEST_CASE("code that was kept is found by the next host process", "[code]") {
    const CodeFixture fixture;

    fixture.keep(7);

    REQUIRE(fixture.code()->has(fixture.module(), 7));
    REQUIRE_FALSE(fixture.code()->has(fixture.module(), 8));
    REQUIRE(fixture.is_found(7));
    REQUIRE_FALSE(fixture.is_found(8));
}

TEST_CASE("code that somebody else kept is passed over, and can be replaced", "[code]") {
    CodeFixture fixture;
    fixture.secret = "of another host";
    fixture.keep(7);

    fixture.secret = "mine";
    REQUIRE_FALSE(fixture.is_found(7));
    fixture.keep(7);

    REQUIRE(fixture.is_found(7));
}

TEST_CASE("code of another compiler, or for another processor, is passed over", "[code]") {
    CodeFixture fixture;
    fixture.keep(7);

    fixture.compiler = "this build on another processor";
    REQUIRE_FALSE(fixture.code()->has(fixture.module(), 7));
    REQUIRE_FALSE(fixture.is_found(7));

    fixture.compiler = "this build on this processor";
    REQUIRE(fixture.is_found(7));
}

TEST_CASE("whatever bit is turned in an entry, it is passed over", "[code]") {
    const CodeFixture fixture;
    fixture.keep(7);
    const ByteVector sound = fixture.raw()->find(fixture.key(7)).value().value().value;
    const std::uint32_t seed = first_seed();
    INFO("SOJOURN_SEED=" << seed);
    std::mt19937_64 random(seed);

    for (int round = 0; round < 200; ++round) {
        ByteVector value = sound;
        if (random() % 4 == 0) {
            value.resize(random() % value.size());
        } else {
            value[random() % value.size()] ^= std::byte{1} << (random() % 8);
        }
        REQUIRE(
            fixture.raw()
                ->write({.entries = {{fixture.key(7), value}}, .used = {}, .bytes_max = 1 << 30})
                .ok());
        REQUIRE_FALSE(fixture.is_found(7));
    }
}

TEST_CASE("an entry is good in its own place alone", "[code]") {
    const CodeFixture fixture;
    fixture.keep(7);
    const ByteVector value = fixture.raw()->find(fixture.key(7)).value().value().value;

    REQUIRE(fixture.raw()
                ->write({.entries = {{fixture.key(8), value}}, .used = {}, .bytes_max = 1 << 30})
                .ok());

    REQUIRE(fixture.code()->has(fixture.module(), 8));
    REQUIRE_FALSE(fixture.is_found(8));
}

TEST_CASE("the code that was used least recently goes first", "[code]") {
    constexpr std::size_t kObjectBytes = 60'000;
    CodeFixture fixture;
    fixture.bytes_max = 1 << 20;

    for (std::uint32_t begin = 0; begin < 60; ++begin) {
        fixture.keep(begin, kObjectBytes);
        fixture.clock.now_ns += 2 * kHourNs;
        REQUIRE(fixture.is_found(0, kObjectBytes));
        REQUIRE(fixture.raw()->size_bytes().value() <= fixture.bytes_max);
    }

    REQUIRE(fixture.is_found(59, kObjectBytes));
    REQUIRE_FALSE(fixture.is_found(1, kObjectBytes));
}

TEST_CASE("a run that finds what was used lately writes nothing", "[code]") {
    CodeFixture fixture;
    fixture.keep(7);
    const auto used_at = [&] {
        return fixture.raw()->find(fixture.key(7)).value().value().used_at_s;
    };
    const std::uint64_t before = used_at();

    fixture.clock.now_ns += kHourNs / 2;
    REQUIRE(fixture.is_found(7));
    REQUIRE(used_at() == before);
    fixture.clock.now_ns += kHourNs;
    REQUIRE(fixture.is_found(7));

    REQUIRE(used_at() > before);
}

TEST_CASE("without a store no code is kept, and none is made", "[code]") {
    const TemporaryFolder folder;
    const CodeFixture fixture;
    StoredCode::Settings settings;
    settings.store_location = folder.name() + "/none";
    bool is_asked = false;
    settings.secret = [&] {
        is_asked = true;
        return Result<ByteVector>(ByteVector(32));
    };
    StoredCode code(std::move(settings), fixture.clock);

    code.keep(fixture.module(), 7, object_of(7));

    REQUIRE_FALSE(code.find(fixture.module(), 7));
    REQUIRE_FALSE(std::filesystem::exists(folder.path() / "none"));
    REQUIRE_FALSE(is_asked);
}

TEST_CASE("whatever is damaged in the database, it is read or made anew", "[code]") {
    const std::uint32_t seed = first_seed();
    INFO("SOJOURN_SEED=" << seed);
    std::mt19937_64 random(seed);
    const CodeFixture fixture;
    {
        const auto code = fixture.code();
        for (std::uint32_t begin = 0; begin < 100; ++begin)
            code->keep(fixture.module(), begin, object_of(begin, 100 + 40 * begin));
    }
    const auto file = fixture.database() / "data.mdb";
    const ByteVector sound = read_file(file).value();

    for (int round = 0; round < 60; ++round) {
        ByteVector bytes = sound;
        for (std::uint64_t turned = 1 + random() % 40; turned-- > 0;)
            bytes[random() % bytes.size()] ^= std::byte{1} << (random() % 8);
        if (random() % 8 == 0) bytes.resize(random() % bytes.size());
        REQUIRE(write_file(file, bytes).ok());
        // Two changes may be of one tick of the clock.
        std::filesystem::last_write_time(
            file, std::filesystem::file_time_type(std::chrono::seconds(round)));
        for (std::uint32_t begin = 0; begin < 100; ++begin)
            static_cast<void>(fixture.is_found(begin, 100 + 40 * begin));
        fixture.keep(200);
        REQUIRE(fixture.is_found(200));
    }
}

TEST_CASE("a secret is made once, for this user alone", "[code]") {
    const TemporaryFolder folder;
    const auto file = folder.path() / "state" / "code-secret";
    SystemRandom random;

    const ByteVector made = process::code_secret(file, random).value();
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);

    REQUIRE(made.size() == 32);
    REQUIRE((status.st_mode & 0777) == 0600);
    REQUIRE(process::code_secret(file, random).value() == made);
    REQUIRE(read_file(file).value() != made);
}

TEST_CASE("a secret that others could know is none", "[code]") {
    const TemporaryFolder folder;
    const auto file = folder.path() / "code-secret";
    SystemRandom random;
    REQUIRE(process::code_secret(file, random).ok());

    REQUIRE(::chmod(file.c_str(), 0640) == 0);
    REQUIRE(process::code_secret(file, random).error().code == ErrorCode::permission_denied);

    REQUIRE(::chmod(file.c_str(), 0600) == 0);
    REQUIRE(write_file(file, as_bytes("short")).ok());
    REQUIRE(process::code_secret(file, random).error().code == ErrorCode::corrupt);
}
