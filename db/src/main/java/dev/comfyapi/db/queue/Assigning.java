package dev.comfyapi.db.queue;

import dev.comfyapi.model.job.JobId;

/// The wish to give a waiting job to a worker.
public record Assigning(Group group, JobId job, long worker) {}
