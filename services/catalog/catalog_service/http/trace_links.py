"""Where a trace can be looked at: the address of the deployment's trace store, which the catalog knows by a setting."""

from dataclasses import dataclass

from catalog_service import telemetry

PLACE = "{trace_id}"
HEADER = "Trace-Url"
"""Of a command's answer, where its trace is recorded and there is a store."""


@dataclass(frozen=True, slots=True)
class TraceLinks:
    """`template` is the address of a trace with `{trace_id}` in place of its id; None where there is no store."""

    template: str | None

    def of(self, traceparent: str | None) -> str | None:
        """Where the trace of a `traceparent` is shown; None for one that is not recorded, or not known."""
        if self.template is None or not telemetry.is_sampled(traceparent or ""):
            return None
        return self.template.replace(PLACE, (traceparent or "")[3:35])
