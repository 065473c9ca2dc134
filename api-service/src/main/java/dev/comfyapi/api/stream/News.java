package dev.comfyapi.api.stream;

import dev.comfyapi.api.job.JobMoment;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.model.message.JobEvent;

/// Something that a stream may have to tell its client.
sealed interface News {

    /// A job as it was looked at. Never left out: it may be a new status, or the end.
    record Look(JobRow row, JobMoment moment) implements News {}

    /// How far the running attempt is. Only the newest counts.
    record Progress(JobRow row, JobMoment moment) implements News {}

    /// What the picture looks like by now. Only the newest counts.
    record Preview(JobEvent.Preview preview) implements News {}

    /// All that changed before this time has been told.
    ///
    /// @param at milliseconds of Postgres' clock
    record Position(long at) implements News {}

    /// Nothing happened for a while.
    record Quiet() implements News {}
}
