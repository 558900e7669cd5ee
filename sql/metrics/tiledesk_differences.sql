-- tiledesk_differences: Why the figures of Tiledesk's own analytics are not ours.
-- grain: one row a figure, for the whole window
-- anchor: Tiledesk's: createdAt; ours: opening, answer, close, rating, message
-- units: counts; seconds; rating 1 to 5
-- params: start_utc, end_utc
-- follows: none; tiledesk_compatible against our own metrics
-- caveat: the counts say what may explain a difference, not how much of it each explains
-- edge: reopened, transferred, idle and draft chats are each counted where they matter
-- columns:
--   figure: requests_count, waiting_time, duration, satisfaction or messages
--   tiledesk_value: as Tiledesk computes it; times in seconds
--   our_value: openings; mean first_response_human; mean session_duration; mean rating; messages
--   chats_count: chats behind Tiledesk's figure
--   bot_count: those in which a bot wrote before any agent, which ends Tiledesk's waiting time
--   transfer_count: those that went to another agent or department, which restarts it
--   idle_close_count: those whose newest close came because nobody wrote any more
--   reopen_count: those opened again; of requests_count, the reopenings in the window
--   open_again_count: those of them that are open now, and still have a duration
--   draft_count: drafts and tests, which we do not count
--   why: the same in words
with theirs as (
    select
        count(*) as chats_count,
        count(case when is_draft then 1 end) as drafts_count,
        avg(waiting_ms) / 1e3 as waiting_s,
        count(waiting_ms) as waiting_count,
        count(case when is_bot_first then waiting_ms end) as waiting_bot_count,
        count(case when is_transferred then waiting_ms end) as waiting_transfer_count,
        count(case when is_apart then waiting_ms end) as waiting_apart_count,
        count(case when is_draft then waiting_ms end) as waiting_draft_count,
        avg(duration_ms) / 1e3 as duration_s,
        count(duration_ms) as duration_count,
        count(case when is_idle_close then duration_ms end) as duration_idle_count,
        count(case when is_reopened then duration_ms end) as duration_reopen_count,
        count(case when is_open_again then duration_ms end) as duration_again_count,
        count(case when is_draft then duration_ms end) as duration_draft_count,
        avg(rating) as rating_mean,
        count(rating) as rating_count,
        count(case when is_draft then rating end) as rating_draft_count
    from tiledesk_chats
    cross join params
    where
        tiledesk_chats.created_at >= params.start_utc
        and tiledesk_chats.created_at < params.end_utc
),

written as (
    select
        received_messages.conversation_id,
        count(*) as messages_count
    from received_messages
    cross join params
    where
        received_messages.sent_at >= params.start_utc
        and received_messages.sent_at < params.end_utc
    group by received_messages.conversation_id
),

sent as (
    select
        cast(coalesce(sum(written.messages_count), 0) as bigint) as theirs_count,
        count(written.conversation_id) as chats_count,
        count(case when conversations.conversation_id is null then written.conversation_id end)
            as drafts_count
    from written
    left join conversations
        on written.conversation_id = conversations.conversation_id
),

said as (
    select count(*) as ours_count
    from messages
    cross join params
    where
        messages.is_counted
        and messages.sent_at >= params.start_utc
        and messages.sent_at < params.end_utc
),

ours as (
    select
        count(case when timed_facts.fact = 'opened' then 1 end) as opened_count,
        count(
            case when timed_facts.fact = 'opened' and timed_facts.detail = 'reopened' then 1 end
        ) as reopened_count,
        avg(case when timed_facts.fact = 'first_response_human' then timed_facts.seconds end)
            as response_s,
        avg(case when timed_facts.fact = 'session_duration' then timed_facts.seconds end)
            as duration_s,
        avg(case when timed_facts.fact = 'rated' then timed_facts.value end) as rating_mean
    from timed_facts
    cross join params
    where
        timed_facts.fact in ('opened', 'first_response_human', 'session_duration', 'rated')
        and timed_facts.happened_at >= params.start_utc
        and timed_facts.happened_at < params.end_utc
),

told as (
    select
        'requests_count' as figure,
        cast(theirs.chats_count as double) as tiledesk_value,
        cast(ours.opened_count as double) as our_value,
        theirs.chats_count,
        cast(null as bigint) as bot_count,
        cast(null as bigint) as transfer_count,
        cast(null as bigint) as idle_close_count,
        ours.reopened_count as reopen_count,
        cast(null as bigint) as open_again_count,
        theirs.drafts_count as draft_count,
        'Tiledesk counts chats created, tests and drafts among them: '
        || cast(theirs.drafts_count as string)
        || '; we count openings, reopenings among them: '
        || cast(ours.reopened_count as string) as why
    from theirs
    cross join ours
    union all
    select
        'waiting_time' as figure,
        cast(theirs.waiting_s as double) as tiledesk_value,
        ours.response_s as our_value,
        theirs.waiting_count as chats_count,
        theirs.waiting_bot_count as bot_count,
        theirs.waiting_transfer_count as transfer_count,
        cast(null as bigint) as idle_close_count,
        cast(null as bigint) as reopen_count,
        cast(null as bigint) as open_again_count,
        theirs.waiting_draft_count as draft_count,
        'For Tiledesk a bot is an answer: '
        || cast(theirs.waiting_bot_count as string)
        || ' of '
        || cast(theirs.waiting_count as string)
        || ' chats; and a transfer begins the wait anew: '
        || cast(theirs.waiting_transfer_count as string)
        || '; forms, e-mails and messengers wait too: '
        || cast(theirs.waiting_apart_count as string) as why
    from theirs
    cross join ours
    union all
    select
        'duration' as figure,
        cast(theirs.duration_s as double) as tiledesk_value,
        ours.duration_s as our_value,
        theirs.duration_count as chats_count,
        cast(null as bigint) as bot_count,
        cast(null as bigint) as transfer_count,
        theirs.duration_idle_count as idle_close_count,
        theirs.duration_reopen_count as reopen_count,
        theirs.duration_again_count as open_again_count,
        theirs.duration_draft_count as draft_count,
        'Tiledesk counts from creation to the newest close, closed times in between too: reopened '
        || cast(theirs.duration_reopen_count as string)
        || ' of '
        || cast(theirs.duration_count as string)
        || ' chats, open again '
        || cast(theirs.duration_again_count as string)
        || '; closed for silence: '
        || cast(theirs.duration_idle_count as string) as why
    from theirs
    cross join ours
    union all
    select
        'satisfaction' as figure,
        theirs.rating_mean as tiledesk_value,
        ours.rating_mean as our_value,
        theirs.rating_count as chats_count,
        cast(null as bigint) as bot_count,
        cast(null as bigint) as transfer_count,
        cast(null as bigint) as idle_close_count,
        cast(null as bigint) as reopen_count,
        cast(null as bigint) as open_again_count,
        theirs.rating_draft_count as draft_count,
        'Tiledesk counts a rating on the day that its chat was created, we when it was given; '
        || 'ratings of tests and drafts: '
        || cast(theirs.rating_draft_count as string) as why
    from theirs
    cross join ours
    union all
    select
        'messages' as figure,
        cast(sent.theirs_count as double) as tiledesk_value,
        cast(said.ours_count as double) as our_value,
        sent.chats_count,
        cast(null as bigint) as bot_count,
        cast(null as bigint) as transfer_count,
        cast(null as bigint) as idle_close_count,
        cast(null as bigint) as reopen_count,
        cast(null as bigint) as open_again_count,
        sent.drafts_count as draft_count,
        'Tiledesk counts system messages, notes and those of tests and drafts too: '
        || cast(sent.theirs_count - said.ours_count as string) as why
    from sent
    cross join said
)

select
    figure,
    tiledesk_value,
    our_value,
    chats_count,
    bot_count,
    transfer_count,
    idle_close_count,
    reopen_count,
    open_again_count,
    draft_count,
    why
from told
order by figure asc nulls last
