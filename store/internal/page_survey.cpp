#include "store/internal/page_survey.hpp"

#include <algorithm>
#include <unistd.h>

#include "store/internal/database_page.hpp"
#include "store/internal/database_tree.hpp"
#include "store/internal/page_set.hpp"

namespace sojourn::store {

namespace {

constexpr std::size_t kProblemsMax = 50;
constexpr std::size_t kListPieceNumbers = 4096;
constexpr unsigned kWaitUs = 1000;

/// What a database's own tables have for flags.
constexpr std::uint16_t kNumbersAsKeys = 8;

class Surveyor final : public TreeVisitor {
public:
    Surveyor(const DatabaseFile& file, const CommitRecord& commit)
        : file_(file), commit_(commit), end_(plain(commit.last_page) + 1) {
        survey_.page_bytes = file.page_bytes();
        survey_.pages = end_;
        used_.insert({PageNumber{0}, kCommitPages});
    }

    Result<PageSurvey> run() {
        TRY(walk(commit_.tables, 0, Part::names));
        for (const PageSurvey::Table& table : survey_.tables)
            TRY(walk(table.record, 0, Part::table));
        TRY(walk(commit_.free_pages, kNumbersAsKeys, Part::free_pages));
        if (survey_.problems.empty()) find_lost_pages();
        if (suppressed_ > 0)
            survey_.problems.push_back(fmt::format("and {} more of the kind", suppressed_));
        return std::move(survey_);
    }

    bool on_pages(PageRun pages) override {
        const bool is_inside =
            plain(pages.first) < end_ && pages.count <= end_ - plain(pages.first);
        if (!is_inside) {
            on_damage(fmt::format("page {} is in use and lies behind the last page, {}",
                                  plain(pages.first), end_ - 1));
            return false;
        }
        if (used_.insert(pages)) return true;
        on_damage(fmt::format("page {} is in use twice", plain(pages.first)));
        return false;
    }

    Result<void> on_entry(Bytes key, const StoredValue& value, bool is_table) override {
        if (part_ == Part::free_pages) return read_list(key, value, is_table);
        if (is_table != (part_ == Part::names)) {
            on_damage("a table has an entry of another kind");
        } else if (is_table) {
            add_table(key, value);
        }
        return {};
    }

    void on_damage(const std::string& what) override {
        if (survey_.problems.size() == kProblemsMax) {
            ++suppressed_;
            return;
        }
        survey_.problems.push_back(fmt::format("its database is damaged: {}", what));
    }

private:
    enum class Part { names, table, free_pages };

    Result<void> walk(const TableRecord& table, std::uint16_t flags, Part part) {
        part_ = part;
        if (table.flags != flags) on_damage("a table has flags that it was not made with");
        return walk_table(file_, table,
                          part == Part::free_pages ? KeyOrder::numbers : KeyOrder::bytes, *this);
    }

    void add_table(Bytes key, const StoredValue& value) {
        PageSurvey::Table table;
        table.name = as_text(key);
        if (value.in_entry.size() != sizeof table.record) {
            on_damage(fmt::format("the record of table {} has another size", table.name));
            return;
        }
        std::memcpy(&table.record, value.in_entry.data(), sizeof table.record);
        survey_.tables.push_back(std::move(table));
    }

    Result<void> read_list(Bytes key, const StoredValue& value, bool is_table);
    void add_free_page(std::uint64_t page, std::uint64_t& previous);
    void find_lost_pages();

    const DatabaseFile& file_;
    const CommitRecord& commit_;
    std::uint64_t end_;
    Part part_ = Part::names;
    PageSurvey survey_;
    PageSet used_;
    PageSet free_;
    std::size_t suppressed_ = 0;
};

/// The pages that one commit has freed: how many, then their numbers, the highest first.
Result<void> Surveyor::read_list(Bytes key, const StoredValue& value, bool is_table) {
    std::uint64_t commit = 0;
    std::uint64_t count = 0;
    std::memcpy(&commit, key.data(), std::min(key.size(), sizeof commit));
    const std::uint64_t room = value.bytes / sizeof(std::uint64_t);
    const auto read = [&](std::uint64_t index, MutableBytes out) -> Result<void> {
        const std::size_t offset = index * sizeof(std::uint64_t);
        if (value.pages) return file_.read(value.pages->first, out, kPageHeaderBytes + offset);
        std::ranges::copy(value.in_entry.subspan(offset, out.size()), out.begin());
        return {};
    };
    if (room > 0) TRY(read(0, std::as_writable_bytes(std::span(&count, 1))));
    if (is_table || commit > commit_.number || room == 0 || count >= room) {
        on_damage(fmt::format("the list of what commit {} freed has an impossible form", commit));
        return {};
    }
    std::uint64_t previous = UINT64_MAX;
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t done = 0; done < count; done += numbers.size()) {
        numbers.resize(std::min<std::uint64_t>(count - done, kListPieceNumbers));
        TRY(read(1 + done, std::as_writable_bytes(std::span(numbers))));
        for (const std::uint64_t page : numbers)
            add_free_page(page, previous);
    }
    return {};
}

void Surveyor::add_free_page(std::uint64_t page, std::uint64_t& previous) {
    if (page >= previous) on_damage("a list of free pages is not in order");
    previous = page;
    if (page >= end_) {
        on_damage(fmt::format("page {} is listed as free and lies behind the last page, {}", page,
                              end_ - 1));
    } else if (used_.contains(PageNumber{page})) {
        on_damage(fmt::format("page {} is both free and in use", page));
    } else if (!free_.insert({PageNumber{page}, 1})) {
        on_damage(fmt::format("page {} is listed as free twice", page));
    } else {
        ++survey_.free_pages;
    }
}

void Surveyor::find_lost_pages() {
    PageSet::for_each_gap(used_, free_, PageNumber{end_}, [this](PageRun pages) {
        on_damage(pages.count == 1
                      ? fmt::format("page {} is neither free nor in use", plain(pages.first))
                      : fmt::format("pages {} to {} are neither free nor in use",
                                    plain(pages.first), plain(pages.first) + pages.count - 1));
    });
}

/// Adds up how long the lists of free pages are.
class FreePageCount final : public TreeVisitor {
public:
    explicit FreePageCount(const DatabaseFile& file) : file_(file) {}

    bool on_pages(PageRun run) override { return seen_.insert(run); }
    Result<void> on_entry(Bytes, const StoredValue& value, bool) override {
        std::uint64_t count = 0;
        const auto out = std::as_writable_bytes(std::span(&count, 1));
        if (value.pages) TRY(file_.read(value.pages->first, out, kPageHeaderBytes));
        if (value.in_entry.size() >= out.size())
            std::ranges::copy(value.in_entry.first(out.size()), out.begin());
        pages += count;
        return {};
    }
    void on_damage(const std::string& what) override { damage = what; }

    std::uint64_t pages = 0;
    std::string damage;

private:
    const DatabaseFile& file_;
    PageSet seen_;
};

}  // namespace

Result<PageSurvey> survey_pages(const DatabaseFile& file, const CommitRecord& commit) {
    return Surveyor(file, commit).run();
}

Result<Snapshot> newest_snapshot(const Environment& environment) {
    constexpr int kAttempts = 1000;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        auto transaction = TRY(environment.read());
        const auto commit = TRY(environment.file().commit(transaction.commit_number()));
        // The page that names it is written to next by the second commit behind it.
        const bool is_newest = transaction.is_newest();
        if (is_newest && commit) return Snapshot{std::move(transaction), *commit};
        if (is_newest) break;
        ::usleep(kWaitUs);
    }
    return fail(ErrorCode::corrupt, "{} does not name its newest commit where it should: {}",
                environment.directory().native(), kDamageRemedy);
}

Result<std::uint64_t> free_bytes(const Environment& environment, const CommitRecord& commit) {
    const DatabaseFile file = environment.file();
    FreePageCount count(file);
    TRY(walk_table(file, commit.free_pages, KeyOrder::numbers, count));
    if (count.damage.empty()) return count.pages * file.page_bytes();
    return fail(ErrorCode::corrupt, "the database {} is damaged: {}: {}",
                environment.directory().native(), count.damage, kDamageRemedy);
}

Result<std::uint64_t> free_bytes(const Environment& environment) {
    const Snapshot snapshot = TRY(newest_snapshot(environment));
    return free_bytes(environment, snapshot.commit);
}

Result<PageSurvey> survey_pages(const Environment& environment) {
    const Snapshot snapshot = TRY(newest_snapshot(environment));
    return survey_pages(environment.file(), snapshot.commit);
}

}  // namespace sojourn::store
