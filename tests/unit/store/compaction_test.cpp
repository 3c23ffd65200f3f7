#include "store/internal/compaction.hpp"

#include <array>
#include <csignal>
#include <functional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "store/internal/page_survey.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

namespace fs = std::filesystem;

constexpr TableIndex kNumbers{0};
constexpr TableIndex kNoise{1};
constexpr std::size_t kNoiseBytes = 6000;  ///< a value with pages of its own
constexpr int kNoises = 400;

std::shared_ptr<Environment> open_at(const fs::path& path) {
    return *Environment::open(path, {.tables = {"numbers", "noise"}, .sync = false});
}

Result<void> set(Environment& environment, const std::string& name, int number) {
    return environment.write([&](WriteTransaction& transaction) {
        return transaction.put(kNumbers, as_bytes(name), as_bytes(std::to_string(number)));
    });
}

int get(const Environment& environment, const std::string& name) {
    const auto transaction = environment.read().value();
    const auto value = transaction.get(kNumbers, as_bytes(name)).value();
    return value ? std::stoi(std::string(as_text(*value))) : -1;
}

std::string noise_key(int index) {
    return fmt::format("noise {:06}", index);
}

Result<Compacted> compact_now(const Environment& environment) {
    return compact(environment, TRY(estimate_compaction(environment)), [](std::uint64_t) {});
}

void expect_compacts(const Environment& environment) {
    const auto compacted = compact_now(environment);
    INFO((compacted.ok() ? "" : compacted.error().message));
    REQUIRE(compacted.ok());
}

/// Two tables, half of whose pages are free.
class Database {
public:
    Database() {
        const auto environment = *Environment::open(
            path(), {.tables = {"numbers", "noise"}, .create = true, .sync = false});
        REQUIRE(environment
                    ->write([](WriteTransaction& transaction) -> Result<void> {
                        for (int index = 0; index < kNoises; ++index) {
                            const ByteVector noise(kNoiseBytes, std::byte(index));
                            TRY(transaction.put(kNoise, as_bytes(noise_key(index)), noise));
                        }
                        return {};
                    })
                    .ok());
        REQUIRE(environment
                    ->write([](WriteTransaction& transaction) -> Result<void> {
                        for (int index = 0; index < kNoises; index += 2)
                            TRY(transaction.erase(kNoise, as_bytes(noise_key(index))));
                        return {};
                    })
                    .ok());
    }

    [[nodiscard]] const fs::path& path() const { return folder_.path(); }

    void expect_noise() const {
        const auto environment = open_at(path());
        REQUIRE(survey_pages(*environment)->problems.empty());
        const auto transaction = environment->read().value();
        for (int index = 0; index < kNoises; ++index) {
            const auto value = transaction.get(kNoise, as_bytes(noise_key(index))).value();
            REQUIRE(value.has_value() == (index % 2 == 1));
            if (value)
                REQUIRE(std::ranges::equal(*value, ByteVector(kNoiseBytes, std::byte(index))));
        }
    }

private:
    tests::TemporaryFolder folder_;
};

/// Another host process, which does one thing at a time when it is told to. Made before this one
/// opens a database.
class Peer {
public:
    explicit Peer(std::vector<std::function<bool()>> things) {
        std::array<int, 2> down{};
        std::array<int, 2> up{};
        REQUIRE((::pipe(down.data()) == 0 && ::pipe(up.data()) == 0));
        child_ = ::fork();
        if (child_ == 0) {
            ::close(down[1]);
            char said = 0;
            for (const auto& thing : things) {
                if (::read(down[0], &said, 1) != 1) break;
                said = thing() ? 'y' : 'n';
                if (::write(up[1], &said, 1) != 1) break;
            }
            ::_exit(0);
        }
        ::close(down[0]);
        ::close(up[1]);
        order_ = UniqueFd(down[1]);
        answer_ = UniqueFd(up[0]);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer() {
        order_ = UniqueFd();
        ::waitpid(child_, nullptr, 0);
    }

    /// Whether it did the next thing, and well; not when it died of it.
    bool perform() {
        char said = 'g';
        REQUIRE(::write(order_.get(), &said, 1) == 1);
        return ::read(answer_.get(), &said, 1) == 1 && said == 'y';
    }

private:
    pid_t child_ = -1;
    UniqueFd order_;
    UniqueFd answer_;
};

}  // namespace

TEST_CASE("a compacted database has what it had, in as many bytes as was estimated", "[store]") {
    const Database database;
    std::uint64_t copied = 0;
    std::uint64_t number = 0;
    {
        const auto environment = open_at(database.path());
        number = newest_snapshot(*environment)->commit.number;
        const auto estimate = estimate_compaction(*environment).value();

        const auto compacted =
            compact(*environment, estimate, [&](std::uint64_t bytes) { copied += bytes; }).value();

        REQUIRE(compacted.before_bytes > 2 * compacted.after_bytes - 100'000);
        REQUIRE(compacted.after_bytes == estimate.after_bytes);
        REQUIRE(compacted.after_bytes == fs::file_size(database.path() / "data.mdb"));
        REQUIRE(copied <= compacted.after_bytes);
        REQUIRE(free_bytes(*environment).value() == 0);
        REQUIRE(newest_snapshot(*environment)->commit.number == number);
        REQUIRE_FALSE(fs::exists(database.path() / "compacted"));
        REQUIRE(set(*environment, "later", 1).ok());
    }
    database.expect_noise();
    const auto environment = open_at(database.path());
    REQUIRE(get(*environment, "later") == 1);
    REQUIRE(newest_snapshot(*environment)->commit.number == number + 1);
}

TEST_CASE("another host process follows the new file when it reads and when it writes", "[store]") {
    const Database database;
    std::shared_ptr<Environment> environment;
    int expected = 0;
    const auto opens = [&] { return (environment = open_at(database.path())) != nullptr; };
    const auto reads = [&] { return get(*environment, "number") == ++expected; };
    const auto writes = [&] { return set(*environment, "peer", ++expected).ok(); };
    Peer reader({opens, reads, reads, reads});
    Peer writer({opens, writes, writes, writes});
    const auto own = open_at(database.path());
    REQUIRE((reader.perform() && writer.perform()));

    for (int round = 1; round <= 3; ++round) {
        INFO("round " << round);
        // Twice: a file may be replaced again before somebody has noticed.
        expect_compacts(*own);
        expect_compacts(*own);
        REQUIRE(set(*own, "number", round).ok());

        REQUIRE(reader.perform());
        REQUIRE(writer.perform());
        REQUIRE(get(*own, "peer") == round);
        REQUIRE(get(*own, "number") == round);
    }
    database.expect_noise();
}

TEST_CASE("a reader that began before goes on to see its moment", "[store]") {
    const Database database;
    REQUIRE(set(*open_at(database.path()), "number", 1).ok());
    std::shared_ptr<Environment> environment;
    std::optional<ReadTransaction> transaction;
    const auto sees_one = [&] {
        const auto value = transaction->get(kNumbers, as_bytes("number")).value();
        return as_text(*value) == "1";
    };
    Peer peer({[&] {
                   environment = open_at(database.path());
                   transaction.emplace(environment->read().value());
                   return sees_one();
               },
               sees_one,
               [&] {
                   transaction.reset();
                   return get(*environment, "number") == 2;
               }});
    const auto own = open_at(database.path());
    REQUIRE(peer.perform());

    expect_compacts(*own);
    REQUIRE(set(*own, "number", 2).ok());

    REQUIRE(peer.perform());
    REQUIRE(peer.perform());
}

TEST_CASE("nothing is lost when a writer dies and the next one has an older file open", "[store]") {
    const Database database;
    std::shared_ptr<Environment> environment;
    const auto opens = [&] { return (environment = open_at(database.path())) != nullptr; };
    Peer late({opens, [&] { return set(*environment, "late", 1).ok(); }});
    Peer dying({opens, [&] {
                    const auto died = environment->write([](WriteTransaction&) -> Result<void> {
                        ::raise(SIGKILL);
                        return {};
                    });
                    return died.ok();
                }});
    {
        Peer compacting({opens, [&] {
                             return compact_now(*environment).ok() &&
                                    set(*environment, "number", 1).ok() &&
                                    set(*environment, "number", 2).ok() &&
                                    set(*environment, "number", 3).ok();
                         }});
        REQUIRE(late.perform());
        REQUIRE(compacting.perform());
        REQUIRE(dying.perform());
        REQUIRE(compacting.perform());
    }

    REQUIRE_FALSE(dying.perform());
    REQUIRE(late.perform());

    const auto own = open_at(database.path());
    REQUIRE(get(*own, "number") == 3);
    REQUIRE(get(*own, "late") == 1);
    database.expect_noise();
}

TEST_CASE("everything that was written while a database was compacted is there", "[store]") {
    const Database database;
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto environment = open_at(database.path());
        for (int number = 1;; ++number) {
            const std::string name = "slot " + std::to_string(number % 50);
            const auto written = environment->write([&](WriteTransaction& transaction) {
                return number % 7 == 0 ? transaction.erase(kNumbers, as_bytes(name)).ok()
                                             ? Result<void>()
                                             : Result<void>(fail(ErrorCode::io, "not erased"))
                                       : transaction.put(kNumbers, as_bytes(name),
                                                         as_bytes(std::to_string(number)));
            });
            if (!written.ok()) ::_exit(1);
            if (::write(pipe[1], &number, sizeof number) != sizeof number) ::_exit(0);
        }
    }
    ::close(pipe[1]);
    const UniqueFd told(pipe[0]);
    const auto own = open_at(database.path());
    int last = 0;
    const auto await = [&](int number) {
        while (last < number)
            REQUIRE(::read(told.get(), &last, sizeof last) == sizeof last);
    };

    for (int round = 0; round < 10; ++round) {
        await(last + 20);
        expect_compacts(*own);
        await(last + 20);
    }

    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(told.get(), &last, sizeof last) == sizeof last) {
    }
    // One more may have been written that was not told of.
    for (int number = last - 40; number <= last; ++number) {
        const int found = get(*own, "slot " + std::to_string(number % 50));
        REQUIRE((found == (number % 7 == 0 ? -1 : number) || number == last - 49));
    }
    database.expect_noise();
}

TEST_CASE("a compaction that is killed leaves one file or the other, whole", "[store][crash]") {
    for (const std::string point :
         {"store_compact_copied", "store_compact_before_rename", "store_compact_after_rename"}) {
        INFO(point);
        const Database database;
        const auto before_bytes = fs::file_size(database.path() / "data.mdb");
        std::shared_ptr<Environment> environment;
        Peer other({[&] { return (environment = open_at(database.path())) != nullptr; },
                    [&] { return set(*environment, "number", 1).ok(); }});
        REQUIRE(other.perform());
        {
            Peer killed({[&] {
                ::setenv("SOJOURN_FAULT", (point + ":kill").c_str(), 1);
                return fault::arm_from_environment().ok() &&
                       compact_now(*open_at(database.path())).ok();
            }});
            REQUIRE_FALSE(killed.perform());
        }

        REQUIRE(fs::exists(database.path() / "compacted"));
        const bool is_replaced = fs::file_size(database.path() / "data.mdb") < before_bytes;
        REQUIRE(is_replaced == (point == "store_compact_after_rename"));
        database.expect_noise();
        REQUIRE(other.perform());
        const auto own = open_at(database.path());
        REQUIRE(get(*own, "number") == 1);
        expect_compacts(*own);
        REQUIRE_FALSE(fs::exists(database.path() / "compacted"));
        REQUIRE(get(*own, "number") == 1);
        database.expect_noise();
    }
}

TEST_CASE("one compaction at a time", "[store]") {
    const Database database;
    const auto own = open_at(database.path());
    bool is_tried = false;

    const auto done = compact(*own, estimate_compaction(*own).value(), [&](std::uint64_t) {
        if (is_tried) return;
        is_tried = true;
        REQUIRE(compact_now(*own).error().code == ErrorCode::busy);
    });

    REQUIRE(done.ok());
    REQUIRE(is_tried);
}

TEST_CASE("a damaged database is not compacted", "[store]") {
    const Database database;
    const auto file = database.path() / "data.mdb";
    auto bytes = read_file(file).value();
    // Of the pages with the keys, the first has lost its number.
    const auto key = as_bytes(std::string_view("noise 000001"));
    const auto at = std::search(bytes.begin(), bytes.end(), key.begin(), key.end());
    REQUIRE(at != bytes.end());
    for (std::size_t page = 2 * 4096; page < bytes.size(); page += 4096) {
        const std::string_view text = as_text(Bytes(bytes).subspan(page, 4096));
        if (text.find("noise 000") != std::string_view::npos) bytes[page] ^= std::byte{1};
    }
    REQUIRE(write_file(file, bytes).ok());
    const auto own = open_at(database.path());

    const auto compacted = compact_now(*own);

    REQUIRE(compacted.error().code == ErrorCode::corrupt);
    REQUIRE_FALSE(fs::exists(database.path() / "compacted"));
}
