// Creates a proposal from a JSON request and streams it: node client.mjs HOST:PORT PROTO_DIR… < request.json
// Prints one line of JSON: the events seen and the final state.
import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [address, ...includeDirs] = process.argv.slice(2);
const definition = loader.loadSync("fiducia/advisor/v1/advisor_service.proto", {
  includeDirs,
  enums: String,
  longs: Number,
  oneofs: true,
});
const { AdvisorService } = grpc.loadPackageDefinition(definition).fiducia.advisor.v1;
const client = new AdvisorService(address, grpc.credentials.createInsecure());
const create = JSON.parse(readFileSync(0, "utf8"));

const created = await new Promise((resolve, reject) =>
  client.createProposal(create, (error, response) => (error ? reject(error) : resolve(response))),
);
const stream = client.streamProposal({ resume: { proposalId: created.proposal.id, afterSequence: 0 } });
const events = [];
let last;
for await (const { event } of stream) {
  events.push(event.event);
  last = event;
}
client.close();
console.log(
  JSON.stringify({ created: created.proposal.state, id: created.proposal.id, events, state: last.completed.state }),
);
