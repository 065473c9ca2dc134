package dev.comfyapi.api.submit;

import dev.comfyapi.api.catalogue.FleetCatalogue;
import dev.comfyapi.api.catalogue.PoolCatalogue;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.PoolName;

import org.springframework.stereotype.Component;

import java.util.Map;

/// Reads which pool of workers a job is for.
@Component
final class PoolForm {

    private static final String MEMBER = "pool";

    private final FleetCatalogue fleet;

    PoolForm(FleetCatalogue fleet) {
        this.fleet = fleet;
    }

    /// What the workers of the named pool have, else those of the usual one; the problems say when
    /// the name is no pool's.
    PoolCatalogue read(Members members) {
        var name = members.text(MEMBER, 1, PoolName.LONGEST).orElse(JobClass.DEFAULT_POOL);
        if (!PoolName.isValid(name)) {
            members.problems()
                    .add(
                            members.pointer(MEMBER),
                            "invalid_value",
                            "must be letters, digits, dots, dashes and underscores, with a letter or"
                                    + " a digit first",
                            Map.of("pattern", PoolName.PATTERN));
        } else if (!fleet.hasPool(name)) {
            FleetNames.refuseUnknown(members, MEMBER, name, fleet.pools());
        } else {
            return fleet.ofPool(name);
        }
        return fleet.ofPool(JobClass.DEFAULT_POOL);
    }
}
