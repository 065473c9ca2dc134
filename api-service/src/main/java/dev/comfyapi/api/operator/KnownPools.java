package dev.comfyapi.api.operator;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.queue.PoolFigures;
import dev.comfyapi.api.queue.QueueOutlook;
import dev.comfyapi.db.operator.PoolStore;
import dev.comfyapi.model.job.JobClass;

import org.springframework.stereotype.Component;

import java.util.Map;
import java.util.TreeSet;

/// All pools there are: the usual one, those that were made, and those with live workers or jobs.
@Component
final class KnownPools {

    private final PoolStore pools;
    private final QueueOutlook outlook;

    KnownPools(PoolStore pools, QueueOutlook outlook) {
        this.pools = pools;
        this.outlook = outlook;
    }

    /// By name.
    Map<String, PoolFigures> figures() {
        var names = new TreeSet<String>();
        names.add(JobClass.DEFAULT_POOL);
        pools.all().forEach(pool -> names.add(pool.name()));
        return outlook.pools(names);
    }

    /// The name as it was given.
    ///
    /// @throws ApiProblem when there is no such pool
    String known(String pool) {
        if (!figures().containsKey(pool)) {
            throw ApiProblem.notFound();
        }
        return pool;
    }
}
