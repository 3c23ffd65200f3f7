#include "store/internal/salvage.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>

#include "base/file.hpp"
#include "store/internal/blob.hpp"
#include "store/internal/commit_numbers.hpp"
#include "store/internal/database_page.hpp"
#include "store/internal/database_tree.hpp"
#include "store/internal/page_set.hpp"

namespace sojourn::store {

namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::uint64_t kSalvagedValueBytesMax = kBlobBytesMax + kBlobBytesMax / 64;

struct NamedTable {
    std::string name;
    TableRecord record;
};

class Salvager final : public TreeVisitor {
public:
    Salvager(const DatabaseFile& file, const CommitRecord& commit, const TakeEntry& take)
        : file_(file), commit_(commit), take_(take) {}

    Result<std::vector<NamedTable>> find_tables() {
        TRY(walk_table(file_, commit_.tables, KeyOrder::bytes, *this));
        return std::move(tables_);
    }

    Result<void> take_table(const NamedTable& table) {
        name_ = table.name;
        return walk_table(file_, table.record, KeyOrder::bytes, *this);
    }

    bool on_pages(PageRun pages) override {
        const bool is_inside = plain(pages.first) <= plain(commit_.last_page) &&
                               pages.count <= plain(commit_.last_page) + 1 - plain(pages.first);
        return is_inside && seen_.insert(pages);
    }

    Result<void> on_entry(Bytes key, const StoredValue& value, bool is_table) override {
        if (name_.empty()) {
            NamedTable table{std::string(as_text(key)), {}};
            const bool is_whole = is_table && value.in_entry.size() == sizeof table.record;
            if (!is_whole) return {};
            std::memcpy(&table.record, value.in_entry.data(), sizeof table.record);
            tables_.push_back(std::move(table));
            return {};
        }
        if (is_table || value.bytes > kSalvagedValueBytesMax) {
            on_lost(key, key);
            return {};
        }
        auto bytes = file_.read_value(value);
        if (bytes.ok()) return take_(name_, key, *std::move(bytes));
        if (bytes.error().code != ErrorCode::corrupt) return bytes.error();
        on_lost(key, key);
        return {};
    }

    void on_lost(Bytes first, std::optional<Bytes> end) override {
        LostKeys keys{name_, ByteVector(first.begin(), first.end()), std::nullopt};
        if (end) keys.end = ByteVector(end->begin(), end->end());
        salvage.lost.push_back(std::move(keys));
    }

    void on_damage(const std::string& what) override { salvage.problems.push_back(what); }

    Salvage salvage;

private:
    const DatabaseFile& file_;
    const CommitRecord& commit_;
    const TakeEntry& take_;
    std::string name_;  ///< empty: the table of the tables
    std::vector<NamedTable> tables_;
    PageSet seen_;
};

/// Pages of a commit are written over by the second one behind it at the earliest.
Result<void> expect_still_there(const DatabaseFile& file, const CommitRecord& commit,
                                const std::filesystem::path& path) {
    const CommitRecord newest = TRY(newest_commit(file));
    if (newest.number <= commit.number + 1) return {};
    return fail(ErrorCode::busy, "{} is being written to: suspend what runs, then try again",
                path.native());
}

}  // namespace

Result<Salvage> salvage_database(const std::filesystem::path& data_file, const TakeEntry& take) {
    const UniqueFd opened(::open(data_file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened.valid() && errno == ENOENT) {
        return fail(ErrorCode::corrupt, "the database {} is missing", data_file.native());
    }
    if (!opened.valid()) return fail_errno(errno, "cannot open {}", data_file.native());
    const DatabaseFile file(opened.get(), kPageBytes);
    const CommitRecord commit = TRY(newest_commit(file));
    Salvager salvager(file, commit, take);
    for (const NamedTable& table : TRY(salvager.find_tables()))
        TRY(salvager.take_table(table));
    TRY(expect_still_there(file, commit, data_file));
    return std::move(salvager.salvage);
}

}  // namespace sojourn::store
