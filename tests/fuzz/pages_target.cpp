// A store with bytes of its databases turned, tree pages included. LMDB believes what it maps, so
// that reading them may fault inside of it: each input gets a host process with the damage guard of
// the vm.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/damage_guard.hpp"
#include "tests/fuzz/sample_store.hpp"
#include "tests/fuzz/seeds.hpp"

namespace sojourn::fuzz {

using namespace store;
namespace fs = std::filesystem;

namespace {

constexpr int kDamagedExitCode = 125;
constexpr unsigned kPatienceSeconds = 10;
constexpr std::uint64_t kUnitsMax = 10;
constexpr std::size_t kPageBytes = 4096;
constexpr std::string_view kPrefix = "damaged: ";

/// Four bytes of an input.
struct Damage {
    std::uint8_t place;  ///< the first bit: of the catalogue, else of the family; the rest: page
    std::uint16_t offset;
    std::uint8_t mask;
};

std::vector<fs::path> databases(const fs::path& store) {
    const fs::path family = fs::directory_iterator(store / "families")->path();
    return {family / "data.mdb", store / "catalogue/data.mdb"};
}

void turn(const fs::path& store, const Damage& damage) {
    const fs::path file = databases(store)[damage.place & 1U];
    const std::uint64_t offset =
        ((damage.place >> 1U) * kPageBytes + damage.offset % kPageBytes) % fs::file_size(file);
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    const int byte = stream.get() ^ damage.mask;
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put(static_cast<char>(byte));
}

bool is_filled(Bytes unit, int fill) {
    return std::ranges::all_of(
        unit, [&](std::byte byte) { return byte == static_cast<std::byte>(fill); });
}

/// What an export reads: all of it as it was, or an error.
void expect_whole_or_refused(const Store& store, const Family& family, Version checkpoint,
                             const UnitFills& fills) {
    const auto view = family.view_of(checkpoint);
    if (!view.ok()) return;
    ByteVector out(store.unit_bytes());
    std::size_t count = 0;
    const auto read = family.for_each_unit(*view, [&](UnitKey key, Bytes value) -> Result<void> {
        TRY(decode_unit(key, value, out));
        const auto fill = fills.find(static_cast<std::uint64_t>(key.unit));
        EXPECTS(fill != fills.end() && is_filled(out, fill->second), "no unit is another");
        ++count;
        return {};
    });
    EXPECTS(!read.ok() || count == fills.size(), "no unit is missing");
}

/// What a runner reads.
void expect_right_or_refused(const Store& store, const Family& family, ProcessId id,
                             const UnitFills& fills) {
    const auto view = family.view_of(id);
    if (!view.ok()) return;
    ByteVector out(store.unit_bytes());
    for (std::uint64_t index = 0; index < kUnitsMax; ++index) {
        const auto read = family.read_unit(*view, {RegionId{1}, UnitIndex{index}}, out);
        if (!read.ok()) continue;
        const auto fill = fills.find(index);
        const bool is_right = fill == fills.end()
                                  ? *read == UnitState::absent
                                  : *read == UnitState::present && is_filled(out, fill->second);
        EXPECTS(is_right, "a unit is as it was published");
    }
}

/// Goes on from the newest checkpoint, as a resume does, and prunes the others.
Result<void> go_on(const Store& store, Family& family, ProcessId id) {
    UnitFills fills = SampleStore::original().checkpoints().at(SampleStore::original().head());
    const auto token = TRY(family.acquire(id, std::nullopt));
    expect_right_or_refused(store, family, id, fills);
    TRY(publish_sample(family, token, {sample_unit(3, 9)}));
    fills[3] = 9;
    expect_right_or_refused(store, family, id, fills);
    for (const auto& [checkpoint, unused] : SampleStore::original().checkpoints())
        static_cast<void>(family.remove_checkpoint(checkpoint));
    expect_right_or_refused(store, family, id, fills);
    return {};
}

Result<void> use(const fs::path& directory) {
    SystemRandom random;
    const auto store = TRY(Store::open(directory, {.create = false, .sync = false}, random));
    const auto module = store->module(sha256_of(as_bytes(SampleStore::kModule)));
    EXPECTS(!module.ok() || as_text(*module) == SampleStore::kModule, "no module is another");
    static_cast<void>(store->processes());
    const auto listed = TRY(store->find_process("guest"));
    const auto family = TRY(store->family(listed.family));
    for (const auto& [checkpoint, fills] : SampleStore::original().checkpoints())
        expect_whole_or_refused(*store, *family, checkpoint, fills);
    static_cast<void>(family->verify());
    static_cast<void>(go_on(*store, *family, listed.id));
    static_cast<void>(family->verify());
    return store->remove_process(listed.id);
}

[[noreturn]] void use_and_exit(const fs::path& directory, int said) {
    ::dup2(said, STDERR_FILENO);
    ::alarm(kPatienceSeconds);
    end_process_on_damage(std::string(kPrefix), kDamagedExitCode);
    static_cast<void>(use(directory));
    ::_exit(0);
}

std::string text_in(int file) {
    std::string text(kPageBytes, '\0');
    const ssize_t count = ::pread(file, text.data(), text.size(), 0);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
}

}  // namespace

Seeds seeds_of_pages() {
    Seeds seeds;
    const auto files = databases(SampleStore::original().path());
    for (unsigned file = 0; file < files.size(); ++file) {
        for (std::size_t page = 0; page < fs::file_size(files[file]) / kPageBytes; ++page) {
            // A page's flags, its lower end of free space, and something of what it holds.
            for (const std::uint16_t offset : std::array<std::uint16_t, 4>{10, 12, 17, 4000}) {
                ByteWriter seed;
                seed.put(static_cast<std::uint8_t>(page << 1U | file));
                seed.put(offset);
                seed.put(std::uint8_t{1});
                seeds.push_back(seed.take());
            }
        }
    }
    return seeds;
}

void run_pages(Bytes bytes) {
    const fs::path copy = SampleStore::original().fresh_copy();
    for (Input input(bytes); !input.is_empty();) {
        const auto place = input.take<std::uint8_t>();
        const auto offset = input.take<std::uint16_t>();
        turn(copy, {place, offset, input.take<std::uint8_t>()});
    }
    const int said = ::memfd_create("said", MFD_CLOEXEC);
    const pid_t child = ::fork();
    if (child == 0) use_and_exit(copy, said);
    EXPECTS(said >= 0 && child > 0, "a host process can be made");
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    const std::string text = text_in(said);
    ::close(said);
    const bool ended_well = WIFEXITED(status) &&
                            (WEXITSTATUS(status) == 0 || (WEXITSTATUS(status) == kDamagedExitCode &&
                                                          text.starts_with(kPrefix)));
    if (!ended_well) std::fputs(text.c_str(), stderr);
    EXPECTS(ended_well, "a damaged database is used, refused or named");
}

}  // namespace sojourn::fuzz
