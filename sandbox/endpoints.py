"""What moto's EC2 leaves out."""

from __future__ import annotations

from moto.ec2.models import ec2_backends

from sandbox.core.gateway import Answer, Call, operation


@operation("ec2")
def modify_vpc_endpoint(call: Call) -> Answer:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html: a table that joins or leaves gains or loses the route."""
    backend, params = ec2_backends[call.account][call.region], call.params
    endpoint = backend.vpc_end_points.get(params["VpcEndpointId"])
    before = set(endpoint.route_table_ids or []) if endpoint else set()
    answered = call.forward()
    if answered.status_code == 200 and endpoint.destination_prefix_list_id:
        after = set(endpoint.route_table_ids or [])
        for table in after - before:
            backend.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=endpoint.destination_prefix_list_id)
        for table in before - after:
            backend.delete_route(table, endpoint.destination_prefix_list_id)
    return answered
